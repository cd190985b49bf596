/**
 * Tries every model that the config can ask: one question that wants a tool, and the tool's result back.
 * `deno run -A scripts/llm_smoke.ts [--config DIR]`. Exit code 1: a model failed; 2: the config is at fault.
 */
import { plugins } from "../src/app/registry.ts";
import type { Config } from "../src/config/config.ts";
import { formatFaults } from "../src/config/fault.ts";
import { loadConfig } from "../src/config/load.ts";
import { toAppError } from "../src/core/error.ts";
import type { LlmChunk, LlmProvider, LlmRequest } from "../src/core/llm.ts";
import type { Log } from "../src/core/log.ts";
import type { Metrics } from "../src/core/metrics.ts";
import { systemClock } from "../src/lib/clock.ts";
import type { Models } from "../src/llm/models.ts";
import { openLlm } from "../src/llm/open.ts";

interface Named {
  readonly provider: string;
  readonly model: string;
}

/** One line of the table. */
interface Trial {
  readonly firstMs: number | undefined;
  readonly totalMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly calledTool: boolean;
  readonly error: string | undefined;
}

const clockTool: LlmRequest["tools"][number] = {
  name: "current_time",
  description: "Tells the current time.",
  inputSchema: { type: "object", properties: {}, additionalProperties: false },
};

const question: LlmRequest = {
  model: "",
  system: [{
    text: "You answer in one short sentence. You look at the clock with the tool current_time.",
    cache: true,
  }],
  messages: [{ role: "user", content: [{ type: "text", text: "What time is it?" }] }],
  tools: [clockTool],
  toolChoice: "auto",
  maxOutputTokens: 2_000,
  agent: "smoke",
  sessionId: "smoke",
};

/** Longest time that one model is given. */
const deadlineMs = 120_000;

/** The table says it all. */
const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => silentLog };
const silentMetrics: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const flag = args.indexOf("--config");
  const dir = (flag < 0 ? undefined : args[flag + 1]) ?? Deno.env.get("AGENT_CONFIG") ?? "./config";
  const result = await loadConfig({ dir, env: Deno.env.toObject(), plugins, generation: 1 });
  if (!result.ok) {
    await print(formatFaults(result.faults));
    return 2;
  }
  const { config } = result.loaded;
  const models = openLlm({ log: silentLog, metrics: silentMetrics, clock: systemClock }).at(config.llm);
  for (const { missing } of models.available) if (missing !== undefined) await print(`- ${missing}.`);

  const named = listModels(config, models);
  if (named.length === 0) {
    await print("No provider has a key: only the built-in demo model answers.");
    named.push({ provider: "demo", model: "demo" });
  }
  const rows = [["provider", "model", "first chunk", "total", "tokens in", "tokens out", "tool call", "result"]];
  let failed = false;
  for (const name of named) {
    const trial = await tryModel(models.resolve(name, []).provider, name.model);
    failed ||= trial.error !== undefined;
    rows.push(toRow(name, trial));
  }
  await print(toTable(rows));
  return failed ? 1 : 0;
}

/** Every model that is configured: those that `auto` would take, and those that agents name. */
function listModels({ agents }: Config, models: Models): Named[] {
  const configured = models.available.filter((entry) => entry.configured && entry.provider !== "demo");
  const byAgents = agents.flatMap((agent) => [
    agent.model,
    ...agent.fallback_models,
    ...agent.inbound_bindings.flatMap(({ model }) => model ?? []),
  ]).filter((model) => model !== "auto").filter(({ provider }) => configured.some((one) => one.provider === provider));
  const all = [...configured.filter(({ model }) => model !== ""), ...byAgents];
  const unique = new Map(all.map(({ provider, model }) => [`${provider}/${model}`, { provider, model }]));
  return [...unique.values()];
}

async function tryModel(provider: LlmProvider, model: string): Promise<Trial> {
  const signal = AbortSignal.timeout(deadlineMs);
  const startedAt = performance.now();
  const chunks: LlmChunk[] = [];
  let firstMs: number | undefined;
  let error: string | undefined;
  const ask = async (request: LlmRequest): Promise<readonly LlmChunk[]> => {
    const answer: LlmChunk[] = [];
    for await (const chunk of provider.stream(request, signal)) {
      firstMs ??= performance.now() - startedAt;
      answer.push(chunk);
    }
    chunks.push(...answer);
    return answer;
  };
  try {
    const request = { ...question, model };
    const followUp = toFollowUp(request, await ask(request));
    if (followUp !== undefined) await ask(followUp);
  } catch (thrown) {
    error = toAppError(thrown).message;
  }
  const usages = chunks.flatMap((chunk) => chunk.type === "finish" ? [chunk.usage] : []);
  return {
    firstMs,
    totalMs: performance.now() - startedAt,
    inputTokens: usages.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    outputTokens: usages.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
    calledTool: chunks.some(({ type }) => type === "toolCall"),
    error,
  };
}

/** The request that brings the tool's result, or `undefined` where no tool was called. */
function toFollowUp(request: LlmRequest, answer: readonly LlmChunk[]): LlmRequest | undefined {
  const toolCalls = answer.flatMap((chunk) => chunk.type === "toolCall" ? [chunk.call] : []);
  if (toolCalls.length === 0) return undefined;
  const text = answer.map((chunk) => chunk.type === "text" ? chunk.text : "").join("");
  const finish = answer.find((chunk) => chunk.type === "finish");
  const time = new Date().toISOString();
  const results = toolCalls.map(({ id, name }) => ({
    callId: id,
    name,
    content: [{ type: "text" as const, text: time }],
    isError: false,
  }));
  return {
    ...request,
    messages: [
      ...request.messages,
      { role: "assistant", text, toolCalls, providerState: finish?.providerState },
      { role: "tool", results },
    ],
    toolChoice: "none",
  };
}

function toRow({ provider, model }: Named, trial: Trial): string[] {
  const { firstMs, totalMs, inputTokens, outputTokens, calledTool, error } = trial;
  return [
    provider,
    model,
    firstMs === undefined ? "-" : `${Math.round(firstMs)} ms`,
    `${Math.round(totalMs)} ms`,
    String(inputTokens),
    String(outputTokens),
    calledTool ? "yes" : "no",
    error ?? "ok",
  ];
}

function toTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n");
}

async function print(text: string): Promise<void> {
  await new Blob([`${text}\n`]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
}
