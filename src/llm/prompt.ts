import type {
  JSONSchema7,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4ReasoningPart,
  LanguageModelV4TextPart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider";
import type { LlmMessage, LlmRequest, LlmToolCall, LlmToolResult, LlmUserPart } from "../core/llm.ts";
import type { ToolContent } from "../core/tool.ts";
import { metadataKeys } from "./sdk.ts";
import { type ProviderState, readState } from "./state.ts";
import type { Protocol } from "./kinds.ts";

/** What a conversion depends on beside the request. */
export interface PromptOptions {
  readonly protocol: Protocol;
  /** Whether the model may be shown images; otherwise they are named. */
  readonly images: boolean;
  readonly maxOutputTokens?: number;
}

/** One prompt-cache mark of Anthropic's protocol, which takes four a request: tools, two system blocks, the newest message. */
const cacheMark: SharedV4ProviderOptions = { anthropic: { cacheControl: { type: "ephemeral" } } };

/** Pings show that a long thought is alive; tool input is wanted whole, so its fine-grained streaming is off. */
const anthropicOptions: SharedV4ProviderOptions = { anthropic: { includePings: true, toolStreaming: false } };

const noImage = "[image: this model cannot see images]";

/**
 * Makes the conversion of a neutral request into the SDK's call.
 * The conversions of `system` and `tools` are kept by identity: they are most of a request and rarely change.
 *
 * @returns A function of the request and of who answers it (`provider/model`), whose own earlier states it sends back.
 */
export function newPromptConverter(
  options: PromptOptions,
): (request: LlmRequest, from: string) => LanguageModelV4CallOptions {
  const { protocol, images } = options;
  const marksCache = protocol === "anthropic";
  const systems = new WeakMap<LlmRequest["system"], readonly LanguageModelV4Message[]>();
  const tools = new WeakMap<LlmRequest["tools"], LanguageModelV4FunctionTool[]>();

  return (request, from) => {
    const system = keep(systems, request.system, () => toSystem(request.system, marksCache));
    const prompt = [...system];
    const newest = request.messages.length - 1;
    for (const [index, message] of request.messages.entries()) {
      appendMessage(prompt, message, { protocol, images, from, mark: marksCache && index === newest });
    }
    const maxOutputTokens = request.maxOutputTokens ?? options.maxOutputTokens;
    return {
      prompt,
      ...(request.tools.length === 0 ? {} : {
        tools: keep(tools, request.tools, () => toTools(request.tools, marksCache)),
        toolChoice: { type: request.toolChoice },
      }),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...(protocol === "anthropic" ? { providerOptions: anthropicOptions } : {}),
    };
  };
}

function keep<K extends object, V>(cache: WeakMap<K, V>, key: K, make: () => V): V {
  const kept = cache.get(key);
  if (kept !== undefined) return kept;
  const made = make();
  cache.set(key, made);
  return made;
}

function toSystem(blocks: LlmRequest["system"], marksCache: boolean): readonly LanguageModelV4Message[] {
  const filled = blocks.filter((block) => block.text !== "");
  if (marksCache) {
    return filled.map(({ text, cache }) => ({
      role: "system",
      content: text,
      ...(cache ? { providerOptions: cacheMark } : {}),
    }));
  }
  // Many servers of the OpenAI protocol have chat templates that take one system message only.
  return filled.length === 0 ? [] : [{ role: "system", content: filled.map(({ text }) => text).join("\n\n") }];
}

function toTools(tools: LlmRequest["tools"], marksCache: boolean): LanguageModelV4FunctionTool[] {
  return tools.map((tool, index) => ({
    type: "function",
    name: tool.name,
    description: tool.description,
    // Erases nothing but the SDK's narrower spelling of the same plain data.
    inputSchema: tool.inputSchema as JSONSchema7,
    ...(marksCache && index === tools.length - 1 ? { providerOptions: cacheMark } : {}),
  }));
}

interface MessageOptions {
  readonly protocol: Protocol;
  readonly images: boolean;
  readonly from: string;
  readonly mark: boolean;
}

function appendMessage(prompt: LanguageModelV4Message[], message: LlmMessage, options: MessageOptions): void {
  const mark = options.mark ? { providerOptions: cacheMark } : {};
  switch (message.role) {
    case "user":
      prompt.push({ role: "user", content: toUserParts(message.content, options.images), ...mark });
      return;
    case "assistant": {
      const content = toAssistantParts(message, options);
      if (content.length > 0) prompt.push({ role: "assistant", content, ...mark });
      return;
    }
    case "tool": {
      prompt.push({ role: "tool", content: message.results.map((result) => toToolResult(result, options)), ...mark });
      if (options.protocol !== "openai" || !options.images) return;
      // The OpenAI protocol has no images in tool results, so they follow as the user's.
      const shown = message.results.flatMap(imagesOf);
      if (shown.length > 0) prompt.push({ role: "user", content: toUserParts(shown, true) });
    }
  }
}

function toUserParts(
  parts: readonly LlmUserPart[],
  images: boolean,
): Extract<LanguageModelV4Message, { role: "user" }>["content"] {
  const content: Extract<LanguageModelV4Message, { role: "user" }>["content"] = [];
  for (const part of parts) {
    if (part.type === "text") {
      if (part.text !== "") content.push({ type: "text", text: part.text });
    } else if (images) {
      content.push({ type: "file", mediaType: part.mimeType, data: { type: "data", data: part.data } });
    } else {
      content.push({ type: "text", text: noImage });
    }
  }
  // No protocol takes an empty message.
  return content.length > 0 ? content : [{ type: "text", text: "(empty message)" }];
}

type AssistantPart = LanguageModelV4TextPart | LanguageModelV4ReasoningPart | LanguageModelV4ToolCallPart;

function toAssistantParts(
  message: Extract<LlmMessage, { role: "assistant" }>,
  { protocol, from }: MessageOptions,
): AssistantPart[] {
  const state = message.providerState === undefined ? undefined : readState(message.providerState, from);
  if (state !== undefined && fits(state, message)) return toStatedParts(state, message, protocol);
  const parts: AssistantPart[] = message.text === "" ? [] : [{ type: "text", text: message.text }];
  for (const call of message.toolCalls) parts.push(toToolCall(call, protocol));
  return parts;
}

/** Whether the state still describes the message: a hook may have changed the text meanwhile. */
function fits(state: ProviderState, message: Extract<LlmMessage, { role: "assistant" }>): boolean {
  let length = 0;
  let calls = 0;
  for (const part of state.parts) {
    if (part.type === "text") length += part.length;
    if (part.type === "toolCall") calls++;
  }
  return length === message.text.length && calls === message.toolCalls.length;
}

function toStatedParts(
  state: ProviderState,
  message: Extract<LlmMessage, { role: "assistant" }>,
  protocol: Protocol,
): AssistantPart[] {
  const parts: AssistantPart[] = [];
  let offset = 0;
  for (const part of state.parts) {
    const providerOptions = { [metadataKeys[protocol]]: part.meta };
    switch (part.type) {
      case "reasoning":
        parts.push({ type: "reasoning", text: part.text, providerOptions });
        break;
      case "text": {
        const text = message.text.slice(offset, offset + part.length);
        offset += part.length;
        parts.push({ type: "text", text, providerOptions });
        break;
      }
      case "toolCall": {
        const call = message.toolCalls.find(({ id }) => id === part.id);
        if (call !== undefined) parts.push({ ...toToolCall(call, protocol), providerOptions });
      }
    }
  }
  return parts;
}

function toToolCall(call: LlmToolCall, protocol: Protocol): LanguageModelV4ToolCallPart {
  // Every protocol demands an object here; what the model wrote instead is shown to it as what it was.
  const isObject = typeof call.input === "object" && call.input !== null && !Array.isArray(call.input);
  return {
    type: "tool-call",
    toolCallId: toWireId(call.id, protocol),
    toolName: call.name,
    input: isObject ? call.input : { unreadable: call.input },
  };
}

function toToolResult(
  result: LlmToolResult,
  { protocol, images }: MessageOptions,
): LanguageModelV4ToolResultPart {
  const base = { type: "tool-result", toolCallId: toWireId(result.callId, protocol), toolName: result.name } as const;
  const showsImage = images && protocol !== "openai" && result.content.some((part) => part.type === "image");
  if (!showsImage || result.isError) {
    const imageText = !images ? noImage : protocol === "openai" ? "[image: in the next message]" : "[image: left out]";
    const value = result.content.map((part) => part.type === "image" ? imageText : toResultText(part)).join("\n");
    return { ...base, output: { type: result.isError ? "error-text" : "text", value } };
  }
  return {
    ...base,
    output: {
      type: "content",
      value: result.content.map((part) =>
        part.type === "image"
          ? { type: "file", mediaType: part.mimeType, data: { type: "data", data: part.base64 } }
          : { type: "text", text: toResultText(part) }
      ),
    },
  };
}

function toResultText(part: Exclude<ToolContent, { type: "image" }>): string {
  return part.type === "text" ? part.text : JSON.stringify(part.value) ?? "null";
}

function imagesOf(result: LlmToolResult): LlmUserPart[] {
  return result.content.flatMap((part) =>
    part.type === "image" ? [{ type: "image", mimeType: part.mimeType, data: Uint8Array.fromBase64(part.base64) }] : []
  );
}

/** Anthropic takes only these characters in ids, which another provider, asked earlier, may have chosen differently. */
function toWireId(id: string, protocol: Protocol): string {
  return protocol === "anthropic" && /[^a-zA-Z0-9_-]/.test(id) ? id.replace(/[^a-zA-Z0-9_-]/g, "_") : id;
}
