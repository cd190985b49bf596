import type { Setback } from "./model_call.ts";
import type { JsonSchema, ToolContent } from "./tool.ts";

/** A piece of what the user said. */
export type LlmUserPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly mimeType: string; readonly data: Uint8Array };

/** A call that the model asks for. `input` is what it wrote, parsed; `inputError` says why it could not be parsed. */
export interface LlmToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly inputError?: string;
}

/** The answer to one call. */
export interface LlmToolResult {
  readonly callId: string;
  readonly name: string;
  readonly content: readonly ToolContent[];
  readonly isError: boolean;
}

/** One message of the conversation, neutral of any provider. */
export type LlmMessage =
  | { readonly role: "user"; readonly content: readonly LlmUserPart[] }
  | {
    readonly role: "assistant";
    readonly text: string;
    readonly toolCalls: readonly LlmToolCall[];
    /** What a provider wants back verbatim (thought signatures); plain JSON, opaque to everybody else. */
    readonly providerState?: unknown;
  }
  | { readonly role: "tool"; readonly results: readonly LlmToolResult[] };

/** A tool as the model sees it. */
export interface LlmTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
}

/** A block of the system prompt. Blocks with `cache`, at most two, come first and rarely change. */
export interface LlmSystemBlock {
  readonly text: string;
  readonly cache: boolean;
}

/** One question to a model. `system` and `tools` keep their identity while nothing changes, so conversions can be kept. */
export interface LlmRequest {
  /** The provider's name of the model. */
  readonly model: string;
  readonly system: readonly LlmSystemBlock[];
  readonly messages: readonly LlmMessage[];
  readonly tools: readonly LlmTool[];
  /** `none`: the model must answer in words. */
  readonly toolChoice: "auto" | "none";
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  /** Who asks, for logs, limits and prompt caches. */
  readonly agent: string;
  readonly sessionId: string;
  /** The turn that asks, where one does. */
  readonly turnId?: string;
  /** Is told what keeps the model from answering. */
  readonly onSetback?: (setback: Setback) => void;
}

/** Tokens of one call, as the provider counts them. */
export interface LlmUsage {
  /** All of the prompt, cached parts included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Part of `inputTokens` that was read from the provider's cache. */
  readonly cacheReadTokens: number;
  /** Part of `inputTokens` that was written to the provider's cache. */
  readonly cacheWriteTokens: number;
}

/** A piece of the answer as it streams. Exactly one `finish` ends a good stream. */
export type LlmChunk =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "toolCall"; readonly call: LlmToolCall }
  | {
    readonly type: "finish";
    readonly reason: "stop" | "tool_calls" | "length" | "filtered" | "other";
    readonly usage: LlmUsage;
    /** Which (provider, model) answered, where wrappers may have chosen another than the first. */
    readonly provider: string;
    readonly model: string;
    readonly providerState?: unknown;
  };

/**
 * A provider is one method. Wrappers (retry, breaker, limiter, fallback) keep the type.
 *
 * The stream throws an `AppError`: `unavailable` (with `retryAfterMs` where the provider said so), `timeout`,
 * `denied` (key refused), `invalid` (request refused), `cancelled`.
 */
export interface LlmProvider {
  readonly id: string;
  stream(request: LlmRequest, signal: AbortSignal): AsyncIterable<LlmChunk>;
}

/** Money for tokens, in US dollars a million tokens. */
export interface LlmPrice {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  readonly cacheReadPerMillion: number;
  readonly cacheWritePerMillion: number;
}

/** A chosen model, ready to be asked. */
export interface ModelRoute {
  /** Asks the model, and its fallbacks where it does not answer. */
  readonly provider: LlmProvider;
  /** The provider that is asked first. */
  readonly providerId: string;
  /** Its name of the model that is asked first. */
  readonly model: string;
  /** Whether the model that is asked first can see images. */
  readonly images: boolean;
  /** Tokens that a request may have, the answer included: the smallest window of all that may answer. */
  readonly contextWindow: number;
  /** What tokens cost at (provider, model), as a `finish` chunk names them; `undefined`: unknown. */
  price(provider: string, model: string): LlmPrice | undefined;
}
