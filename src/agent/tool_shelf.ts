import type { LlmMessage, LlmTool } from "../core/llm.ts";
import { newTextResult, type Tool } from "../core/tool.ts";

/** The tools of an agent, and which of them its model is shown. */
export interface ToolShelf {
  /** All that may be called. */
  readonly tools: ReadonlyMap<string, Tool>;
  /**
   * Those that the model is shown after `messages`, by name. Keeps its identity while they are the same. What was found
   * or called before stays shown, also for a turn that goes on after a crash: the messages say what that is.
   */
  shown(messages: readonly LlmMessage[]): readonly LlmTool[];
}

const searchName = "tool_search";
const foundBound = 10;
const shownBound = 100;
const descriptionBound = 300;

/** Makes a {@linkcode ToolShelf}. Of more than `above` tools the lazy ones are shown only when they were searched for. */
export function newToolShelf(own: ReadonlyMap<string, Tool>, above: number): ToolShelf {
  const lazy = new Map([...own].filter(([, tool]) => tool.lazy === true));
  if (own.size <= above || lazy.size === 0) {
    const all = toLlmTools([...own.values()]);
    return { tools: own, shown: () => all };
  }
  const tools = new Map([...own, [searchName, newSearchTool([...lazy.values()])]]);
  const always = [...tools.values()].filter((tool) => tool.lazy !== true);
  let last = { names: "", tools: toLlmTools(always) };
  return {
    tools,
    shown(messages) {
      const found = findMentioned(messages, lazy).slice(-shownBound);
      const names = found.join(" ");
      if (names !== last.names) {
        const added = found.map((name) => lazy.get(name)).filter((tool) => tool !== undefined);
        last = { names, tools: toLlmTools([...always, ...added]) };
      }
      return last.tools;
    },
  };
}

function toLlmTools(tools: readonly Tool[]): readonly LlmTool[] {
  return tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

/** Names of lazy tools that a search has found or that were called, in order of their first mention. */
function findMentioned(messages: readonly LlmMessage[], lazy: ReadonlyMap<string, Tool>): readonly string[] {
  const names = messages.flatMap((message) => {
    if (message.role === "assistant") return message.toolCalls.map(({ name }) => name);
    if (message.role !== "tool") return [];
    return message.results.filter(({ name }) => name === searchName).flatMap(({ content }) =>
      content.flatMap((part) => part.type === "json" ? toFoundNames(part.value) : [])
    );
  });
  return [...new Set(names)].filter((name) => lazy.has(name));
}

function toFoundNames(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) =>
    typeof item === "object" && item !== null && "name" in item && typeof item.name === "string" ? [item.name] : []
  );
}

/** The tool with which a model finds others by what they do. */
function newSearchTool(lazy: readonly Tool[]): Tool {
  const entries = lazy.map((tool) => ({
    tool,
    name: tool.name.toLowerCase(),
    description: tool.description.toLowerCase(),
  }));
  return {
    name: searchName,
    description:
      `Finds tools by words: you have ${lazy.length} more than you see. Those that it finds can be called next.`,
    inputSchema: {
      type: "object",
      properties: { query: { type: "string", minLength: 1, maxLength: 300, description: "What the tool should do" } },
      required: ["query"],
      additionalProperties: false,
    },
    effect: "none",
    harmless: true,
    run(input) {
      // The input was checked against the schema above before run() is called.
      const { query } = input as { query: string };
      const words = query.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
      const found = entries
        .map((entry) => ({ entry, score: rate(entry, words) }))
        .filter(({ score }) => score > 0)
        .toSorted((one, other) => other.score - one.score)
        .slice(0, foundBound);
      if (found.length === 0) return Promise.resolve(newTextResult("No tool was found. Try other words."));
      const value = found.map(({ entry: { tool } }) => ({
        name: tool.name,
        description: tool.description.slice(0, descriptionBound),
      }));
      return Promise.resolve({ content: [{ type: "json", value }] });
    },
  };
}

/** A word in a name says more than one in a description. */
function rate(entry: { readonly name: string; readonly description: string }, words: readonly string[]): number {
  return words.reduce(
    (sum, word) => sum + (entry.name.includes(word) ? 3 : 0) + (entry.description.includes(word) ? 1 : 0),
    0,
  );
}
