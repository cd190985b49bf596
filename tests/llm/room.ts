import { type LlmConfig, llmFileSchema } from "../../src/config/llm.ts";
import type { LlmChunk, LlmProvider, LlmRequest } from "../../src/core/llm.ts";
import { type Llm, openLlm } from "../../src/llm/open.ts";
import { type FakeClock, newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** The way to models, with everything around it in the test's hands. */
export interface TestRoom {
  readonly llm: Llm;
  readonly clock: FakeClock;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
}

/** Opens a {@linkcode TestRoom}. Jitter is half of the ceiling. */
export function openTestRoom(): TestRoom {
  const clock = newFakeClock();
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  return { llm: openLlm({ log, metrics, clock, random: () => 0.5 }), clock, log, metrics };
}

/** Parses an llm.yaml that stands in a test. */
export function toLlmConfig(file: unknown): LlmConfig {
  return llmFileSchema.parse(file);
}

/** A request with the given changes. */
export function newRequest(changes: Partial<LlmRequest> = {}): LlmRequest {
  return {
    model: "fake-model",
    system: [{ text: "You are Ana.", cache: true }, { text: "It is noon.", cache: false }],
    messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }],
    tools: [],
    toolChoice: "auto",
    agent: "ana",
    sessionId: "ana/console/default/1",
    ...changes,
  };
}

/** A tool without arguments. */
export function newLlmTool(name: string): LlmRequest["tools"][number] {
  return {
    name,
    description: `Does ${name}.`,
    inputSchema: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
  };
}

/** Everything that a call yields. */
export function collect(provider: LlmProvider, request: LlmRequest, signal = new AbortController().signal) {
  return Array.fromAsync(provider.stream(request, signal));
}

/** The words of an answer. */
export function textOf(chunks: readonly LlmChunk[]): string {
  return chunks.map((chunk) => chunk.type === "text" ? chunk.text : "").join("");
}

/** The last chunk. @throws {Error} where the answer has no end. */
export function finishOf(chunks: readonly LlmChunk[]): Extract<LlmChunk, { type: "finish" }> {
  const last = chunks.at(-1);
  if (last?.type !== "finish" || chunks.filter((chunk) => chunk.type === "finish").length !== 1) {
    throw new Error("The stream must end in exactly one finish");
  }
  return last;
}

/** Moves the clock on, second by second, until `promise` has settled. */
export async function settleWith<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => settled = true);
  done.catch(() => {/* the caller gets it from the promise that is returned */});
  while (!settled) await clock.advance(1_000);
  return await done;
}
