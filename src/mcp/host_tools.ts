import { newTextResult, type Tool, type ToolProgress } from "../core/tool.ts";
import { matchesPattern } from "../lib/pattern.ts";

/** What a program may do through our own MCP server. */
export type Scope = "chat" | "memory" | "sessions" | "tools";

/** Who asks our own MCP server. */
export interface Principal {
  /** Name in journal, memory and log. */
  readonly name: string;
  /** As whom tools are called. */
  readonly agent: string;
  /** Agents that it may talk to, by name or pattern. */
  readonly agents: readonly string[];
  readonly scopes: readonly Scope[];
  /** Tools that it may call beside those of the other scopes, by name or pattern. */
  readonly tools: readonly string[];
}

/** A message for an agent. */
export interface HostMessage {
  readonly agent: string;
  /** Who says it. */
  readonly sender: string;
  readonly conversation: string;
  /** The same id in the same conversation is the same message. */
  readonly messageId: string;
  readonly text: string;
}

/** How a program talks to agents. */
export interface HostChat {
  agents(): readonly { readonly id: string; readonly description: string }[];
  /** Hands a message in and waits for the answer. `onProgress` hears of the tools that the agent calls. */
  ask(message: HostMessage, signal: AbortSignal, onProgress: (report: ToolProgress) => void): Promise<
    { readonly outcome: string; readonly text: string; readonly turnId: string }
  >;
}

/** Tools of agents that belong to a scope of their own. */
const memoryTools = ["remember", "recall", "forget", "memory_*"] as const;
const sessionTools = ["session_search"] as const;
/** Tools of others: never meant by a pattern that does not begin like them. */
const foreignPrefixes = ["ext_", "mcp_"] as const;
/** Two turns may be ahead of it, and each has its own deadline long before. */
const askMs = 1_800_000;

/** Those of an agent's tools that `principal` may call. */
export function pickAgentTools(tools: readonly Tool[], principal: Principal): readonly Tool[] {
  const { scopes } = principal;
  return tools.filter(({ name }) =>
    scopes.includes("memory") && matchesPattern(memoryTools, name) ||
    scopes.includes("sessions") && matchesPattern(sessionTools, name) ||
    scopes.includes("tools") && isNamed(principal.tools, name)
  );
}

/** Whether `patterns` name a tool. Tools of extensions and MCP servers must be meant: `*` alone does not name them. */
function isNamed(patterns: readonly string[], name: string): boolean {
  const foreign = foreignPrefixes.find((prefix) => name.startsWith(prefix));
  return matchesPattern(foreign === undefined ? patterns : patterns.filter((one) => one.startsWith(foreign)), name);
}

/** Tools with which a program talks to agents. */
export function newChatTools(chat: HostChat, principal: Principal): readonly Tool[] {
  if (!principal.scopes.includes("chat")) return [];
  const reachable = () => chat.agents().filter(({ id }) => matchesPattern(principal.agents, id));
  const listAgents: Tool = {
    name: "list_agents",
    description: "Lists the agents that you can talk to with ask_agent.",
    inputSchema: { type: "object", properties: {}, additionalProperties: false },
    effect: "none",
    parallelSafe: true,
    run: () => Promise.resolve({ content: [{ type: "json", value: { agents: reachable() } }] }),
  };
  const askAgent: Tool = {
    name: "ask_agent",
    description:
      "Says something to an agent and gives its answer. It remembers what was said in the same conversation.",
    inputSchema: {
      type: "object",
      properties: {
        agent: { type: "string", description: `Absent: ${principal.agent}` },
        message: { type: "string", minLength: 1, maxLength: 100_000 },
        conversation: {
          type: "string",
          minLength: 1,
          maxLength: 200,
          description: "Name of a conversation to go on with",
        },
      },
      required: ["message"],
      additionalProperties: false,
    },
    effect: "once",
    parallelSafe: true,
    deadlineMs: askMs,
    async run(input, { idempotencyKey, signal, progress }) {
      // The input was checked against the schema above before run() is called.
      const { agent = principal.agent, message, conversation = "main" } = input as {
        agent?: string;
        message: string;
        conversation?: string;
      };
      if (!reachable().some(({ id }) => id === agent)) {
        const names = reachable().map(({ id }) => id).join(", ") || "none";
        return newTextResult(`There is no agent ${agent} that you can talk to. Agents: ${names}`, true);
      }
      const answer = await chat.ask(
        {
          agent,
          sender: principal.name,
          conversation: `${principal.name}:${conversation}`,
          messageId: idempotencyKey,
          text: message,
        },
        signal,
        (report) => progress?.(report),
      );
      return newTextResult(answer.text, answer.outcome === "failed");
    },
  };
  return [listAgents, askAgent];
}
