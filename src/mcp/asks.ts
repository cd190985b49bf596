import type { Client, ClientCapabilities, CreateMessageRequestParams } from "@modelcontextprotocol/client";
import type { McpServerConfig } from "../config/mcp.ts";
import type { Clock } from "../core/clock.ts";
import type { LlmMessage, LlmUserPart } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { toAppError } from "../core/error.ts";
import { newBucket } from "../resilience/bucket.ts";
import type { Questions } from "./questions.ts";
import type { Sdk } from "./sdk.ts";
import { toShownText } from "../core/shown_text.ts";

/** An agent's model, lent to a server. */
export type Sample = (
  question: {
    readonly agent: string;
    readonly borrower: string;
    readonly system: string;
    readonly messages: readonly LlmMessage[];
    readonly maxOutputTokens: number;
    readonly temperature?: number | undefined;
  },
  signal: AbortSignal,
) => Promise<{ readonly text: string; readonly model: string; readonly tokens: number }>;

/** What a server may ask of us, as the operator allows. */
export interface Asks {
  readonly capabilities: ClientCapabilities;
  /** Answers the server's questions on a connection. */
  serve(client: Client): void;
}

/** What {@linkcode newAsks} needs. */
export interface AsksDeps {
  readonly server: string;
  readonly config: McpServerConfig;
  readonly sdk: Sdk;
  readonly questions: Questions;
  readonly sample: Sample;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

const messageBound = 100;

/** Makes the {@linkcode Asks} of one server. Without a word in its config it may ask nothing. */
export function newAsks({ server, config, sdk, questions, sample, log, metrics, clock }: AsksDeps): Asks {
  const { sampling, elicitation } = config;
  const samplingBucket = sampling && newBucket({ ...sampling.rate, clock });
  const elicitationBucket = elicitation && newBucket({ ...elicitation.rate, clock });
  const spent = { day: "", tokens: 0 };

  const refuse = (reason: string, message: string) => {
    metrics.count("nexo_refusals_total", { part: "mcp", reason });
    log.warn("mcp.ask_refused", { server, reason });
    return new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidRequest, message);
  };

  async function answerSampling(params: CreateMessageRequestParams, signal: AbortSignal) {
    if (sampling === undefined) throw refuse("sampling_off", "Sampling is not allowed");
    const day = new Date(clock.now()).toISOString().slice(0, 10);
    if (spent.day !== day) Object.assign(spent, { day, tokens: 0 });
    if (spent.tokens >= sampling.daily_tokens) throw refuse("sampling_budget", "The tokens of this day are used up");
    if (samplingBucket?.tryTake().ok !== true) throw refuse("sampling_limited", "Sampling is asked for too often");
    try {
      const { text, model, tokens } = await sample({
        agent: sampling.agent,
        borrower: `mcp:${server}`,
        system: params.systemPrompt ?? "",
        messages: toMessages(params),
        maxOutputTokens: Math.min(params.maxTokens, sampling.max_tokens),
        temperature: params.temperature,
      }, signal);
      spent.tokens += tokens;
      return { model, role: "assistant" as const, content: { type: "text" as const, text }, stopReason: "endTurn" };
    } catch (thrown) {
      const { kind, reason } = toAppError(thrown);
      throw refuse(reason ?? `sampling_${kind}`, "The model gave no answer");
    }
  }

  return {
    capabilities: {
      ...(sampling === undefined ? {} : { sampling: {} }),
      ...(elicitation === undefined ? {} : { elicitation: { form: { applyDefaults: true } } }),
    },
    serve(client) {
      if (sampling !== undefined) {
        client.setRequestHandler(
          "sampling/createMessage",
          ({ params }, { mcpReq }) => answerSampling(params, mcpReq.signal),
        );
      }
      if (elicitation === undefined) return;
      client.setRequestHandler("elicitation/create", async ({ params }, { mcpReq }) => {
        if (elicitationBucket?.tryTake().ok !== true) {
          throw refuse("elicitation_limited", "The operator is asked too often");
        }
        const schema = "requestedSchema" in params ? params.requestedSchema : {};
        log.warn("mcp.question", { server });
        const question = { server, message: toShownText(params.message, 2_000), schema };
        const answer = await questions.ask(question, elicitation.timeout, mcpReq.signal);
        return answer.action === "accept"
          ? { action: answer.action, content: { ...answer.content } }
          : { action: answer.action };
      });
    },
  };
}

function toMessages({ messages }: CreateMessageRequestParams): readonly LlmMessage[] {
  return messages.slice(-messageBound).map(({ role, content }): LlmMessage => {
    const parts = (Array.isArray(content) ? content : [content]).map((part): LlmUserPart =>
      part.type === "text"
        ? { type: "text", text: part.text }
        : part.type === "image"
        ? { type: "image", mimeType: part.mimeType, data: Uint8Array.fromBase64(part.data) }
        : { type: "text", text: `[${part.type}]` }
    );
    if (role === "user") return { role, content: parts };
    return { role, text: parts.map((part) => part.type === "text" ? part.text : "[image]").join("\n"), toolCalls: [] };
  });
}
