import { z } from "zod";
import type { EmbedderConfig } from "../config/memory.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Embedder } from "../core/memory.ts";
import { withDeadline } from "../resilience/deadline.ts";

/** What {@linkcode newHttpEmbedder} uses. */
export interface HttpEmbedderDeps {
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
}

/** Kinds that are asked over HTTP. */
export type HttpKind = "openai_compatible" | "gemini";

/** 512 vectors of 4,096 numbers, written in decimals. */
const maxAnswerBytes = 64_000_000;
const maxDetailChars = 300;

const openAiAnswer = z.object({
  data: z.array(z.object({ index: z.number().int(), embedding: z.array(z.number().nullable()) })),
});
const geminiAnswer = z.object({ embeddings: z.array(z.object({ values: z.array(z.number().nullable()) })) });

/** Makes an embedder that asks an API: one request a call, no retries. */
export function newHttpEmbedder(kind: HttpKind, config: EmbedderConfig, { clock, fetch }: HttpEmbedderDeps): Embedder {
  const wire = kind === "gemini" ? newGeminiWire(config) : newOpenAiWire(config);
  const key = config.api_key?.reveal() ?? "";
  const host = new URL(wire.url).host;
  const id = `${kind}/${wire.model}${config.dimensions === undefined ? "" : `/${config.dimensions}`}`;
  return {
    id,
    async embed(texts, purpose, signal) {
      using deadline = withDeadline(signal, config.timeout, clock, `The embedder ${id}`);
      const answer = await ask(texts, purpose, deadline.signal);
      const vectors = wire.read(answer);
      if (vectors.length === texts.length) return vectors;
      throw newAnswerError(id, `${vectors.length} vectors for ${texts.length} texts`);
    },
  };

  async function ask(texts: readonly string[], purpose: "fact" | "question", signal: AbortSignal): Promise<unknown> {
    try {
      const response = await fetch(wire.url, {
        method: "POST",
        headers: { "content-type": "application/json", ...(key === "none" ? {} : wire.headers(key)) },
        body: JSON.stringify(wire.write(texts, purpose)),
        signal,
        redirect: "error",
      });
      const text = await readText(response, id);
      if (!response.ok) throw toStatusError(response, text);
      try {
        return JSON.parse(text);
      } catch {
        throw newAnswerError(id, "something that is no JSON");
      }
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toAppError(thrown);
      if (error === thrown) throw error;
      throw new AppError("unavailable", `Cannot reach the embedder ${id} at ${host}`, {
        reason: "unreachable",
        cause: thrown,
      });
    }
  }

  function toStatusError({ status, headers }: Response, body: string): AppError {
    const who = `The embedder ${id}`;
    // The provider's words are left out: some repeat parts of the key.
    if (status === 401 || status === 403) {
      const remedy = "Set long_term.embedder.api_key in memory.yaml";
      return new AppError("denied", `${who} refused the key (HTTP ${status}). ${remedy}`, { reason: "key_refused" });
    }
    const text = body.replace(/\s+/g, " ").trim().slice(0, maxDetailChars);
    const detail = key === "" || key === "none" ? text : text.replaceAll(key, "[secret]");
    if (status === 429 || status >= 500 || status === 408) {
      const seconds = Number(headers.get("retry-after"));
      return new AppError("unavailable", `${who} failed (HTTP ${status}): ${detail}`, {
        reason: status === 429 ? "rate_limited" : "provider_failed",
        ...(seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}),
      });
    }
    const remedy = "Check long_term.embedder in memory.yaml";
    return new AppError("invalid", `${who} refused the request (HTTP ${status}): ${detail}. ${remedy}`);
  }
}

interface Wire {
  readonly model: string;
  readonly url: string;
  headers(key: string): Readonly<Record<string, string>>;
  write(texts: readonly string[], purpose: "fact" | "question"): unknown;
  /** @throws {AppError} `invalid` */
  read(answer: unknown): Float32Array[];
}

/** https://platform.openai.com/docs/api-reference/embeddings */
function newOpenAiWire({ model = "text-embedding-3-small", base_url, dimensions }: EmbedderConfig): Wire {
  const base = (base_url ?? "https://api.openai.com/v1").replace(/\/+$/, "");
  return {
    model,
    url: `${base}/embeddings`,
    headers: (key) => ({ authorization: `Bearer ${key}` }),
    write: (texts) => ({ model, input: texts, encoding_format: "float", ...(dimensions && { dimensions }) }),
    read(answer) {
      const parsed = openAiAnswer.safeParse(answer);
      if (!parsed.success) throw newAnswerError(model, "something that is no list of embeddings");
      return parsed.data.data.toSorted((one, other) => one.index - other.index).map(({ embedding }) =>
        toVector(embedding)
      );
    },
  };
}

/** https://ai.google.dev/api/embeddings */
function newGeminiWire({ model = "gemini-embedding-001", base_url, dimensions }: EmbedderConfig): Wire {
  const given = (base_url ?? "https://generativelanguage.googleapis.com").replace(/\/+$/, "");
  const base = new URL(given).pathname === "/" ? `${given}/v1beta` : given;
  return {
    model,
    url: `${base}/models/${encodeURIComponent(model)}:batchEmbedContents`,
    headers: (key) => ({ "x-goog-api-key": key }),
    write: (texts, purpose) => ({
      requests: texts.map((text) => ({
        model: `models/${model}`,
        content: { parts: [{ text }] },
        taskType: purpose === "fact" ? "RETRIEVAL_DOCUMENT" : "RETRIEVAL_QUERY",
        ...(dimensions && { outputDimensionality: dimensions }),
      })),
    }),
    read(answer) {
      const parsed = geminiAnswer.safeParse(answer);
      if (!parsed.success) throw newAnswerError(model, "something that is no list of embeddings");
      return parsed.data.embeddings.map(({ values }) => toVector(values));
    },
  };
}

/** JSON knows no NaN: whoever has one writes null. It is refused with the other numbers that are none. */
function toVector(numbers: readonly (number | null)[]): Float32Array {
  return Float32Array.from(numbers, (number) => number ?? NaN);
}

async function readText(response: Response, id: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) throw newAnswerError(id, `more than ${maxAnswerBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function newAnswerError(id: string, what: string): AppError {
  return new AppError("invalid", `The embedder ${id} answered ${what}. Check long_term.embedder in memory.yaml`, {
    reason: "bad_answer",
  });
}
