import { z } from "zod";
import type { NexoProcess } from "../fixtures/nexo_process.ts";

/** What of a process its admin listener, and its metrics, tell. */
export interface BlackBox {
  /** A request with the token, to the admin listener. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** JSON of `GET path`. */
  get(path: string): Promise<unknown>;
  /** JSON of `POST path`. */
  post(path: string, body: unknown): Promise<unknown>;
  /** Asks an agent without a stream. */
  chat(question: Question): Promise<Answer>;
  /** Sum of the samples of a metric whose labels hold each of `labels`. */
  metric(name: string, ...labels: readonly string[]): Promise<number>;
  /** Status and text of `/ready`. */
  ready(): Promise<{ readonly status: number; readonly text: string }>;
}

/** One question through `POST /v1/chat/completions`. */
export interface Question {
  readonly agent?: string;
  readonly user?: string;
  readonly text: string;
  /** `Idempotency-Key`. */
  readonly key?: string;
}

/** One answer of `POST /v1/chat/completions`. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

const completionSchema = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) });

/** Looks at `nexo` from outside. */
export function newBlackBox(nexo: NexoProcess): BlackBox {
  const request = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${nexo.token}`);
    return fetch(`${nexo.admin}${path}`, { ...init, headers });
  };
  const postRaw = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    request(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  return {
    request,
    get: async (path) => await (await request(path)).json(),
    post: async (path, body) => await (await postRaw(path, body)).json(),
    async chat({ agent = "ana", user, text, key }) {
      const response = await postRaw(
        "/v1/chat/completions",
        { model: agent, ...(user === undefined ? {} : { user }), messages: [{ role: "user", content: text }] },
        key === undefined ? {} : { "idempotency-key": key },
      );
      const body = await response.text();
      const { status, headers } = response;
      if (status !== 200) return { status, headers, text: body };
      return { status, headers, text: completionSchema.parse(JSON.parse(body)).choices[0]?.message.content ?? "" };
    },
    async metric(name, ...labels) {
      const text = await (await fetch(`${nexo.metrics}/metrics`)).text();
      return text.split("\n")
        .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        .filter((line) => labels.every((label) => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    async ready() {
      const response = await fetch(`${nexo.health}/ready`);
      return { status: response.status, text: await response.text() };
    },
  };
}

/** Asks every 20 ms until `ask` says yes: what another process shows at its listeners has no event. */
export async function eventually(ask: () => Promise<boolean>, what: string, withinMs = 60_000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!await ask()) {
    if (performance.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
