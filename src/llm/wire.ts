import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { LlmProvider, LlmRequest } from "../core/llm.ts";
import { toAbortError } from "../resilience/abort.ts";
import { type StreamTimeouts, withIdleTimeout } from "../resilience/deadline.ts";
import { type AnswerReader, newAnswerReader, toFrom } from "./answer.ts";
import { type FailureContext, newBadAnswerError, newCutError, toLlmError, toStreamError } from "./failure.ts";
import { newPromptConverter, type PromptOptions } from "./prompt.ts";
import { type Endpoint, loadModels } from "./sdk.ts";

/** A provider as the wire sees it. */
export interface WireOptions extends Omit<PromptOptions, "protocol"> {
  /** Key of `providers` in llm.yaml. */
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly timeouts: StreamTimeouts;
  /** Whether bare thoughts, without a signature, are sent back while a tool loop runs. */
  readonly wantsReasoning: boolean;
}

/** What the wire uses. */
export interface WireDeps {
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
}

/** An answer of more characters than this is no answer but a fault. */
const maxAnswerChars = 2_000_000;

/**
 * Makes the provider that speaks to an endpoint over HTTP: one request a call, no retries. The deadlines stand here and
 * not in a wrapper because a model that only thinks, or writes a long tool input, yields no chunk and yet is alive.
 */
export function newWireProvider(options: WireOptions, { clock, fetch }: WireDeps): LlmProvider {
  const { id, endpoint, timeouts, wantsReasoning } = options;
  const { protocol } = endpoint;
  const host = new URL(endpoint.baseUrl).host;
  const convert = newPromptConverter({ ...options, protocol });
  const models = new Map<string, LanguageModelV4>();
  let loading: Promise<(model: string) => LanguageModelV4> | undefined;

  const modelOf = async (name: string): Promise<LanguageModelV4> => {
    const kept = models.get(name);
    if (kept !== undefined) return kept;
    loading ??= loadModels(endpoint, fetch);
    const model = (await loading)(name);
    models.set(name, model);
    return model;
  };
  const contextOf = (model: string, streaming: boolean): FailureContext => ({
    provider: id,
    model,
    host,
    now: clock.now(),
    streaming,
    secrets: [endpoint.apiKey, ...Object.values(endpoint.headers)].map((secret) => secret.reveal()),
  });

  async function* stream(request: LlmRequest, signal: AbortSignal) {
    const { model } = request;
    const answer = newAnswerReader({ provider: id, model, protocol, wantsReasoning });
    const response: { contentType?: string } = {};
    const open = async function* (inner: AbortSignal) {
      const call = { ...convert(request, toFrom({ provider: id, model })), abortSignal: inner };
      const result = await (await modelOf(model)).doStream(call);
      response.contentType = result.response?.headers?.["content-type"] ?? "no content type";
      for await (const part of result.stream) if (isActivity(part)) yield part;
    };
    try {
      const what = `Model ${model} of ${id}`;
      for await (const part of withIdleTimeout(open, timeouts, { clock, signal, what })) {
        if (part.type === "error") throw toPartError(part.error, answer, contextOf(model, answer.started), response);
        const chunk = answer.read(part);
        if (answer.chars > maxAnswerChars) {
          throw new AppError("unavailable", `${what} does not stop: over ${maxAnswerChars} characters`, {
            reason: "answer_too_long",
          });
        }
        if (chunk !== undefined) yield chunk;
      }
      const last = answer.finish();
      if (last === undefined) throw toEndError(answer, contextOf(model, answer.started), response);
      yield last;
    } catch (thrown) {
      if (signal.aborted) throw toAbortError(signal.reason);
      throw toLlmError(thrown, contextOf(model, answer.started));
    }
  }
  return { id, stream };
}

/** What shows that the model works: not the SDK's own opening words, which come as soon as there are headers. */
function isActivity(part: LanguageModelV4StreamPart): boolean {
  return part.type !== "stream-start" && part.type !== "response-metadata" && part.type !== "custom";
}

function toPartError(
  error: unknown,
  answer: AnswerReader,
  context: FailureContext,
  response: { readonly contentType?: string },
): AppError {
  // How the OpenAI SDK says that the body ended too early.
  if (error instanceof Error && error.name === "AI_InvalidResponseDataError") {
    return toEndError(answer, context, response);
  }
  return toStreamError(error, context);
}

/** The body has ended without the end of an answer: broken off, or never one. */
function toEndError(
  answer: AnswerReader,
  context: FailureContext,
  { contentType = "no content type" }: { readonly contentType?: string },
): AppError {
  if (answer.started || contentType.startsWith("text/event-stream")) return newCutError(context);
  return newBadAnswerError(context, `${contentType} where a stream of events was expected`);
}
