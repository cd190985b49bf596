import type { NatsConfig } from "../config/broker.ts";
import type { LlmConfig } from "../config/llm.ts";
import type { EmbedderConfig } from "../config/memory.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { LlmRequest } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { systemClock } from "../lib/clock.ts";
import { openLlm } from "../llm/open.ts";

/** Before the process runs there is nobody to read a log. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
};
/** Nobody counts then, either. */
export const silentMetrics: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

const answerMs = 30_000;
const natsMs = 3_000;
const natsPort = 4222;

const question: Omit<LlmRequest, "model"> = {
  system: [],
  messages: [{ role: "user", content: [{ type: "text", text: "Say ok." }] }],
  tools: [],
  toolChoice: "none",
  maxOutputTokens: 16,
  agent: "setup",
  sessionId: "setup",
};

/**
 * Asks a provider's model one cheap question.
 *
 * @param model Absent: the one that `auto` takes.
 * @returns The model that answered.
 * @throws {AppError} `denied` for a key that is not taken, `unavailable` and the like.
 */
export async function tryModel(config: LlmConfig, provider: string, model?: string): Promise<string> {
  const retry = { ...config.retry, failed_attempts: 1, rate_limited_attempts: 1 };
  const models = openLlm({ log: silentLog, metrics: silentMetrics, clock: systemClock }).at({ ...config, retry });
  const known = models.available.find((one) => one.provider === provider);
  const name = model ?? known?.model ?? "";
  if (name === "") throw new AppError("invalid", `${provider} needs the name of a model. ${known?.missing ?? ""}`);
  const route = models.resolve({ provider, model: name }, []);
  for await (
    const chunk of route.provider.stream({ ...question, model: name }, AbortSignal.timeout(answerMs))
  ) {
    if (chunk.type === "finish") return chunk.model;
  }
  throw new AppError("unavailable", `${provider} ended its answer before it was whole`);
}

/**
 * Asks a NATS server who it is. It says so by itself, before any login.
 *
 * @param url `nats://host:port` or `tls://host:port`.
 * @throws {AppError} `unavailable` where nothing answers, or something else than NATS.
 */
export async function tryNats(url: string): Promise<void> {
  const { hostname, port } = new URL(url.includes("://") ? url : `nats://${url}`);
  const where = `${hostname}:${port || natsPort}`;
  const signal = AbortSignal.timeout(natsMs);
  let banner: string;
  try {
    using connection = await Deno.connect({ hostname, port: Number(port || natsPort), signal });
    const close = () => connection.close();
    signal.addEventListener("abort", close);
    const bytes = new Uint8Array(5);
    await connection.read(bytes);
    signal.removeEventListener("abort", close);
    banner = new TextDecoder().decode(bytes);
  } catch (thrown) {
    throw new AppError(
      "unavailable",
      `No NATS server answers at ${where}: ${toAppError(thrown).message}. Start it, or correct the address`,
    );
  }
  // https://docs.nats.io/reference/reference-protocols/nats-protocol: the server's first word.
  if (banner !== "INFO ") {
    throw new AppError("unavailable", `What answers at ${where} is no NATS server. Correct the address`);
  }
}

/**
 * Logs in to the NATS servers of the config, any of them, as the process would.
 *
 * @returns Whether the server keeps events.
 * @throws {AppError} `unavailable`
 */
export async function tryNatsLogin(config: NatsConfig): Promise<{ readonly jetStream: boolean }> {
  const { tryLink } = await import("../broker/link.ts");
  return await tryLink(config, { log: silentLog, clock: systemClock });
}

/**
 * Has an embedder make one vector.
 *
 * @throws {AppError} `denied` for a key that is not taken, `unavailable` and the like.
 */
export async function tryEmbedder(config: EmbedderConfig): Promise<void> {
  if (config.kind !== "openai_compatible" && config.kind !== "gemini") return;
  const { newHttpEmbedder } = await import("../memory/http_embedder.ts");
  const embedder = newHttpEmbedder(config.kind, config, { clock: systemClock, fetch: globalThis.fetch });
  await embedder.embed(["ok"], "question", AbortSignal.timeout(answerMs));
}
