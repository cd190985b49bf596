import type { LlmMessage, LlmRequest, LlmToolResult } from "../core/llm.ts";

/** Estimates of requests, and how far they were off for each model, as its provider counted. */
export interface Tokens {
  /** Tokens of what stands in a request beside its messages, roughly. Kept by identity: it rarely changes. */
  ofFrame(frame: Frame): number;
  /** What an estimate for `model` is to be multiplied with. 1 until something is known. */
  factor(model: string): number;
  /** A request that was estimated at `estimated` had `counted` tokens. */
  learn(model: string, estimated: number, counted: number): void;
}

/** Characters that are looked at in a text, whatever its length. */
const sampleChars = 2_000;
/** Vendors count an image of usual size so, or less. */
const imageTokens = 1_500;
/** Roles and separators of one message. */
const messageTokens = 4;
/** A request below says little about the model. */
const learnFromTokens = 200;
const modelBound = 200;

/**
 * Tokens of a text, roughly: four Latin characters make one, two of other alphabets, one of Chinese, Japanese or Korean.
 * Of a long text samples are looked at, so that it costs the same for any length.
 */
export function estimateText(text: string): number {
  const { length } = text;
  if (length <= sampleChars) return Math.ceil(weigh(text, 0, length));
  const pieces = 8;
  const size = sampleChars / pieces;
  let weight = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const from = Math.floor((length - size) * piece / (pieces - 1));
    weight += weigh(text, from, from + size);
  }
  return Math.ceil(weight * length / sampleChars);
}

function weigh(text: string, from: number, to: number): number {
  let tokens = 0;
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    tokens += code < 0x80 ? 0.25 : code < 0x2e80 ? 0.5 : 1;
  }
  return tokens;
}

/** Tokens of messages, roughly. */
export function estimateMessages(messages: readonly LlmMessage[]): number {
  return sum(messages.map(estimateMessage));
}

/** Tokens of one message, roughly. */
export function estimateMessage(message: LlmMessage): number {
  switch (message.role) {
    case "user":
      return message.content.reduce(
        (sum, part) => sum + (part.type === "text" ? estimateText(part.text) : imageTokens),
        messageTokens,
      );
    case "assistant":
      return message.toolCalls.reduce(
        (sum, { name, input }) => sum + estimateText(name) + estimateText(JSON.stringify(input) ?? "") + messageTokens,
        estimateText(message.text) + messageTokens,
      );
    case "tool":
      return message.results.reduce((sum, result) => sum + estimateResult(result), messageTokens);
  }
}

/** Tokens of one tool's answer, roughly. */
export function estimateResult({ content }: LlmToolResult): number {
  return content.reduce((sum, part) => {
    if (part.type === "image") return sum + imageTokens;
    return sum + estimateText(part.type === "text" ? part.text : JSON.stringify(part.value) ?? "");
  }, messageTokens);
}

/** What is the same in every request of a turn. */
export type Frame = Pick<LlmRequest, "system" | "tools">;

/** Makes {@linkcode Tokens} that know of no model. */
export function newTokens(): Tokens {
  const factors = new Map<string, number>();
  const blocks = new WeakMap<Frame["system"], number>();
  const tools = new WeakMap<Frame["tools"], number>();
  return {
    ofFrame(frame) {
      const ofSystem = keep(blocks, frame.system, () => sum(frame.system.map(({ text }) => estimateText(text))));
      return ofSystem +
        keep(tools, frame.tools, () => sum(frame.tools.map((tool) => estimateText(JSON.stringify(tool)))));
    },
    factor: (model) => factors.get(model) ?? 1,
    learn(model, estimated, counted) {
      if (estimated < learnFromTokens || counted <= 0) return;
      // A provider that counts nonsense must not empty the window, nor open it without end.
      const seen = Math.min(Math.max(counted / estimated, 0.5), 3);
      const known = factors.get(model);
      const [oldest] = factors.keys();
      if (known === undefined && factors.size >= modelBound && oldest !== undefined) factors.delete(oldest);
      factors.set(model, known === undefined ? seen : known + 0.2 * (seen - known));
    },
  };
}

function keep<K extends object>(cache: WeakMap<K, number>, key: K, make: () => number): number {
  const kept = cache.get(key);
  if (kept !== undefined) return kept;
  const made = make();
  cache.set(key, made);
  return made;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Name under which a model's tokens are counted. */
export function toModelName(provider: string, model: string): string {
  return `${provider}/${model}`;
}
