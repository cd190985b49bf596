import { AppError } from "../core/error.ts";
import type { LlmChunk, LlmUsage } from "../core/llm.ts";
import type { ModelOutput } from "../ledger/turns.ts";

/** Longest answer of one model call, characters; a model that goes on is cut off. */
const answerBound = 2_000_000;
/** Most tool calls of one answer. */
const callBound = 128;

/** A model's whole answer. */
export interface Gathered extends Omit<ModelOutput, "costUsd"> {
  readonly usage: LlmUsage;
}

/**
 * Gathers the answer of a model.
 *
 * @throws {AppError} `invalid` for an answer without end; `unavailable` for one that is cut off; what the stream throws.
 */
export async function gather(
  chunks: AsyncIterable<LlmChunk>,
  wordsOnly: boolean,
  onText: (text: string) => void,
): Promise<Gathered> {
  let text = "";
  let callCount = 0;
  const toolCalls: ModelOutput["toolCalls"] = [];
  let finish: Extract<LlmChunk, { type: "finish" }> | undefined;
  for await (const chunk of chunks) {
    switch (chunk.type) {
      case "text":
        text += chunk.text;
        if (text.length > answerBound) {
          throw new AppError("invalid", `The model's answer grew beyond ${answerBound} characters`, {
            reason: "answer_too_long",
          });
        }
        onText(chunk.text);
        break;
      case "toolCall":
        if (++callCount > callBound) {
          throw new AppError("invalid", `The model asked for more than ${callBound} calls in one answer`, {
            reason: "too_many_calls",
          });
        }
        if (!wordsOnly) toolCalls.push({ ...chunk.call });
        break;
      case "finish":
        finish = chunk;
        break;
    }
  }
  if (finish === undefined) {
    throw new AppError("unavailable", "The model's answer ended half-way", { reason: "stream_cut" });
  }
  const { usage, provider, model, providerState } = finish;
  return {
    text,
    toolCalls,
    usage: { ...usage },
    provider,
    model,
    ...(providerState === undefined ? {} : { providerState }),
  };
}
