import { z } from "zod";
import type { LlmChunk, LlmMessage, LlmProvider, LlmRequest, LlmTool, LlmToolCall } from "../core/llm.ts";
import { toAbortError } from "../resilience/abort.ts";

/** Id of the provider and name of the model that are always there. */
export const demoName = "demo";

const advice =
  "For a real model run: agent setup llm. Or set a key, for example ANTHROPIC_API_KEY, GEMINI_API_KEY or " +
  "OPENAI_API_KEY, and start again.";

/** Longest piece of the user's words that is repeated. */
const maxEchoChars = 300;

/**
 * The built-in model: offline, free and deterministic. It streams, calls tools and reads their results, so that
 * everything around a model can be seen at work without a key. A tool is called only in answer to a user's message,
 * never to a tool's result, so a turn always ends.
 */
export function newDemoProvider(): LlmProvider {
  return {
    id: demoName,
    async *stream(request, signal) {
      const answer = toAnswer(request);
      let outputTokens = 0;
      for (const word of answer.text.match(/\S+\s*/g) ?? []) {
        // Gives the reader its turn between two words, as a model on the network would.
        await Promise.resolve();
        if (signal.aborted) throw toAbortError(signal.reason);
        outputTokens++;
        yield { type: "text", text: word };
      }
      if (answer.call !== undefined) yield { type: "toolCall", call: answer.call };
      yield toFinish(request, answer.call === undefined ? "stop" : "tool_calls", outputTokens);
    },
  };
}

interface Answer {
  readonly text: string;
  readonly call?: LlmToolCall;
}

function toAnswer(request: LlmRequest): Answer {
  const newest = request.messages.at(-1);
  if (newest?.role === "tool") return { text: toToolAnswer(newest) };
  const asked = newest?.role === "user" ? textOf(newest) : "";
  // A wake of the agent's own clock, which only wants to know whether anything is due.
  if (/answer NOTHING/i.test(asked)) return { text: "NOTHING" };
  const callId = `demo_${request.messages.length}`;
  const offered = request.toolChoice === "auto" ? request.tools : [];
  return toTimeCall(asked, offered, callId) ?? toSumCall(asked, offered, callId) ?? { text: toEcho(asked, offered) };
}

function toToolAnswer({ results }: Extract<LlmMessage, { role: "tool" }>): string {
  const lines = results.map(({ name, content, isError }) => {
    const said = content.map((part) =>
      part.type === "text" ? part.text : part.type === "json" ? JSON.stringify(part.value) : "[an image]"
    );
    return `The tool ${name} ${isError ? "failed" : "says"}: ${shorten(said.join(" "))}`;
  });
  return `${lines.join("\n")}\n\n(This is the built-in demo model. ${advice})`;
}

function toTimeCall(asked: string, tools: readonly LlmTool[], id: string): Answer | undefined {
  const tool = tools.find(({ name }) => name === "current_time");
  if (tool === undefined || !/\bwhat(?:'s| is)? (?:the )?(?:time|date|day)\b|\btime is it\b/i.test(asked)) {
    return undefined;
  }
  return { text: "Let me look at the clock. ", call: { id, name: tool.name, input: {} } };
}

function toSumCall(asked: string, tools: readonly LlmTool[], id: string): Answer | undefined {
  const tool = tools.find(({ name }) => name === "calculate");
  const sum = findSum(asked);
  if (tool === undefined || sum === undefined) return undefined;
  return { text: "Let me calculate that. ", call: { id, name: tool.name, input: { [argumentOf(tool)]: sum } } };
}

/** The first arithmetic expression in `text`, with `*` and `/` as signs. */
function findSum(text: string): string | undefined {
  const dense = text.slice(0, 2_000).replace(/ *([-+*/^%()×÷]) */g, "$1");
  const found = /\(*-?\d+(?:\.\d+)?(?:\)*[-+*/^%×÷]\(*-?\d+(?:\.\d+)?)+\)*/.exec(dense)?.[0];
  // A date is no subtraction.
  if (found === undefined || /^\d{4}-\d{2}-\d{2}$/.test(found)) return undefined;
  return found.replaceAll("×", "*").replaceAll("÷", "/");
}

const objectSchema = z.object({
  required: z.array(z.string()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});

/** Name of the argument that takes the expression. */
function argumentOf(tool: LlmTool): string {
  const schema = objectSchema.safeParse(tool.inputSchema).data;
  return schema?.required?.[0] ?? Object.keys(schema?.properties ?? {})[0] ?? "expression";
}

function toEcho(asked: string, tools: readonly LlmTool[]): string {
  const heard = asked === "" ? "I am here." : `I heard: “${shorten(asked)}”.`;
  const tricks = ["current_time", "calculate"].filter((name) => tools.some((tool) => tool.name === name));
  const hint = tricks.length === 0 ? "" : ' Ask me "what time is it?" or "what is 12 * 34?" and watch me use a tool.';
  return `${heard} I am nexo's built-in demo model: I run offline and only show how everything works.${hint} ${advice}`;
}

function textOf({ content }: Extract<LlmMessage, { role: "user" }>): string {
  return content.map((part) => part.type === "text" ? part.text : "[image]").join("\n").trim();
}

function shorten(text: string): string {
  return text.length <= maxEchoChars ? text : `${text.slice(0, maxEchoChars)}…`;
}

function toFinish(
  request: LlmRequest,
  reason: "stop" | "tool_calls",
  outputTokens: number,
): Extract<LlmChunk, { type: "finish" }> {
  const chars = request.system.reduce((sum, { text }) => sum + text.length, 0) +
    request.messages.reduce((sum, message) => sum + (message.role === "user" ? textOf(message).length : 0), 0);
  return {
    type: "finish",
    reason,
    // A token is some four characters of English.
    usage: { inputTokens: Math.ceil(chars / 4), outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0 },
    provider: demoName,
    model: request.model,
  };
}
