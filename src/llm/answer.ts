import type { LanguageModelV4StreamPart, LanguageModelV4Usage, SharedV4ProviderMetadata } from "@ai-sdk/provider";
import type { LlmChunk, LlmToolCall, LlmUsage } from "../core/llm.ts";
import type { Protocol } from "./kinds.ts";
import { metadataKeys } from "./sdk.ts";
import type { ProviderState, StatePart } from "./state.ts";

type FinishPart = Extract<LanguageModelV4StreamPart, { type: "finish" }>;
type FinishReason = Extract<LlmChunk, { type: "finish" }>["reason"];

/** Who answers. */
export interface Answerer {
  /** Key of `providers` in llm.yaml. */
  readonly provider: string;
  readonly model: string;
  readonly protocol: Protocol;
  /** Whether bare thoughts, without a signature, are wanted back while a tool loop runs. */
  readonly wantsReasoning: boolean;
}

/** Gathers one answer from the parts of the SDK's stream. */
export interface AnswerReader {
  /** The neutral chunk that `part` makes, if it makes one. */
  read(part: LanguageModelV4StreamPart): LlmChunk | undefined;
  /** Whether anything of the answer itself has come: words, thoughts or calls. */
  readonly started: boolean;
  /** Characters that have come, thoughts and calls included. */
  readonly chars: number;
  /** The last chunk, or `undefined` where the answer was broken off. */
  finish(): LlmChunk | undefined;
}

/** Makes an {@linkcode AnswerReader} for one answer. */
export function newAnswerReader(answerer: Answerer): AnswerReader {
  const parts: StatePart[] = [];
  const metadataKey = metadataKeys[answerer.protocol];
  let chars = 0;
  let started = false;
  let finished: FinishPart | undefined;

  const metaOf = (metadata: SharedV4ProviderMetadata | undefined): Record<string, string> => {
    const entries = Object.entries(metadata?.[metadataKey] ?? {});
    return Object.fromEntries(entries.flatMap(([key, value]) => typeof value === "string" ? [[key, value]] : []));
  };
  const open = (type: "text" | "reasoning", metadata: SharedV4ProviderMetadata | undefined) => {
    const meta = metaOf(metadata);
    parts.push(type === "text" ? { type, length: 0, meta } : { type, text: "", meta });
  };
  const extend = (type: "text" | "reasoning", delta: string, metadata: SharedV4ProviderMetadata | undefined) => {
    started = true;
    chars += delta.length;
    if (parts.at(-1)?.type !== type) open(type, undefined);
    const part = parts.at(-1);
    if (part?.type === "text") part.length += delta.length;
    if (part?.type === "reasoning") part.text += delta;
    if (metadata !== undefined && part !== undefined) Object.assign(part.meta, metaOf(metadata));
  };

  return {
    get started() {
      return started;
    },
    get chars() {
      return chars;
    },
    read(part) {
      switch (part.type) {
        case "text-start":
          open("text", part.providerMetadata);
          return undefined;
        case "reasoning-start":
          started = true;
          open("reasoning", part.providerMetadata);
          return undefined;
        case "text-delta":
          extend("text", part.delta, part.providerMetadata);
          return part.delta === "" ? undefined : { type: "text", text: part.delta };
        case "reasoning-delta":
          extend("reasoning", part.delta, part.providerMetadata);
          return undefined;
        case "tool-input-delta":
          started = true;
          chars += part.delta.length;
          return undefined;
        case "tool-call":
          started = true;
          // What the provider runs by itself is none of ours to run.
          if (part.providerExecuted) return undefined;
          parts.push({ type: "toolCall", id: part.toolCallId, meta: metaOf(part.providerMetadata) });
          return { type: "toolCall", call: toToolCall(part.toolCallId, part.toolName, part.input) };
        case "finish":
          // After an answer that was broken off Anthropic's SDK adds a second one, of reason `interrupted`.
          finished = part;
          return undefined;
      }
      return undefined;
    },
    finish() {
      if (finished === undefined) return undefined;
      const reason = toReason(finished.finishReason.unified);
      if (reason === undefined) return undefined;
      const state = toState(parts, answerer);
      return {
        type: "finish",
        reason,
        usage: toUsage(finished.usage),
        provider: answerer.provider,
        model: answerer.model,
        ...(state === undefined ? {} : { providerState: state }),
      };
    },
  };
}

function toToolCall(id: string, name: string, text: string): LlmToolCall {
  if (text.trim() === "") return { id, name, input: {} };
  try {
    return { id, name, input: JSON.parse(text) };
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return { id, name, input: text, inputError: `The arguments are no JSON: ${why}` };
  }
}

function toReason(reason: FinishPart["finishReason"]["unified"]): FinishReason | undefined {
  switch (reason) {
    case "stop":
    case "length":
    case "other":
      return reason;
    case "tool-calls":
      return "tool_calls";
    case "content-filter":
      return "filtered";
    case "error":
    case "interrupted":
      return undefined;
  }
}

function toUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): LlmUsage {
  return {
    inputTokens: inputTokens.total ?? 0,
    outputTokens: outputTokens.total ?? 0,
    cacheReadTokens: inputTokens.cacheRead ?? 0,
    cacheWriteTokens: inputTokens.cacheWrite ?? 0,
  };
}

/** Nothing is kept of an answer that the provider wants back just as everybody else would write it. */
function toState(parts: readonly StatePart[], answerer: Answerer): ProviderState | undefined {
  // Bare thoughts are wanted only as long as the calls that they led to are being answered.
  const keepsThoughts = answerer.wantsReasoning && parts.some((part) => part.type === "toolCall");
  const kept = parts.filter((part) => part.type !== "reasoning" || keepsThoughts || Object.keys(part.meta).length > 0);
  const special = kept.some((part) => part.type === "reasoning" || Object.keys(part.meta).length > 0);
  return special ? { from: toFrom(answerer), parts: kept } : undefined;
}

/** Names the one who can use a state again. */
export function toFrom({ provider, model }: { readonly provider: string; readonly model: string }): string {
  return `${provider}/${model}`;
}
