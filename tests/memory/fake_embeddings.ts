import { newWatch } from "../fixtures/watch.ts";

/** How the next requests are answered. */
export interface EmbeddingsMood {
  /** Numbers of a vector. @default {16} */
  readonly dimension?: number;
  /** HTTP status in the place of vectors. */
  readonly status?: number;
  /** `hang`: no answer. `nan`: numbers that are none. `zero`: all zero. `empty`: no numbers. `few`: one vector less. */
  readonly fault?: "hang" | "nan" | "zero" | "empty" | "few" | "garbage";
}

/** An embeddings API as OpenAI and Gemini have it, on 127.0.0.1. Texts that share words have near vectors. */
export interface FakeEmbeddings extends AsyncDisposable {
  readonly baseUrl: string;
  /** Texts of each request, oldest first. */
  readonly requests: readonly (readonly string[])[];
  /** Headers and path of each request. */
  readonly calls: readonly { readonly path: string; readonly headers: Headers; readonly body: string }[];
  become(mood: EmbeddingsMood): void;
  untilAsked(count: number, signal: AbortSignal): Promise<void>;
}

/** Starts the API. */
export function openFakeEmbeddings(mood: EmbeddingsMood = {}): FakeEmbeddings {
  const requests: string[][] = [];
  const calls: { path: string; headers: Headers; body: string }[] = [];
  const { changed, until } = newWatch();
  const over = new AbortController();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = await request.text();
    const path = new URL(request.url).pathname;
    const texts = [...body.matchAll(/"(?:text|input)":("(?:[^"\\]|\\.)*"|\[[^\]]*\])/g)]
      .flatMap(([, json]) => JSON.parse(json ?? "[]") as string | string[]); // our own client wrote it
    requests.push(texts);
    calls.push({ path, headers: request.headers, body });
    changed();
    const { dimension = 16, status, fault } = mood;
    if (fault === "hang") {
      await new Promise<void>((resolve) => over.signal.addEventListener("abort", () => resolve(), { once: true }));
    }
    if (fault === "garbage") return new Response("<html>");
    if (status !== undefined) return new Response("no: secret-key", { status });
    const vectors = texts.slice(fault === "few" ? 1 : 0).map((text) => toVector(text, dimension));
    const values = vectors.map((vector) =>
      fault === "nan"
        ? vector.map(() => null)
        : fault === "zero"
        ? vector.map(() => 0)
        : fault === "empty"
        ? []
        : vector
    );
    return Response.json(
      path.endsWith(":batchEmbedContents")
        ? { embeddings: values.map((numbers) => ({ values: numbers })) }
        : { data: values.map((embedding, index) => ({ index, embedding })).reverse() },
    );
  });
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}`,
    requests,
    calls,
    become: (next) => mood = next,
    untilAsked: (count, signal) => until(() => requests.length >= count || undefined, signal).then(() => undefined),
    async [Symbol.asyncDispose]() {
      over.abort();
      await server.shutdown();
    },
  };
}

function toVector(text: string, dimension: number): number[] {
  const vector = new Array<number>(dimension).fill(0);
  for (const word of text.toLowerCase().match(/\w+/g) ?? ["?"]) {
    const hash = [...word].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7);
    vector[hash % dimension] = (vector[hash % dimension] ?? 0) + 1;
  }
  return vector;
}
