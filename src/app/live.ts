import { newBotApi } from "../../plugins/telegram/api.ts";
import type { LlmConfig } from "../config/llm.ts";
import { AppError } from "../core/error.ts";
import type { LlmRequest } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { systemClock } from "../lib/clock.ts";
import { openLlm } from "../llm/open.ts";

/** Before the process runs there is nobody to read them. */
const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => silentLog };
const silentMetrics: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

const answerMs = 30_000;

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
 * Asks Telegram whose a token is.
 *
 * @returns The bot's name, with @.
 * @throws {AppError} `unavailable`; with reason `token_refused` for a wrong token.
 */
export async function tryTelegram(apiRoot: string, token: string): Promise<string> {
  const api = newBotApi(apiRoot, token);
  const bot = await api.ask("getMe", AbortSignal.timeout(answerMs), (methods, signal) => methods.getMe(signal));
  return `@${bot.username}`;
}
