import { toMcpPrefix } from "../config/mcp.ts";
import { fnv1a } from "../lib/fnv1a.ts";

/** What every model provider takes. */
const nameBound = 64;

/**
 * Names for the tools of one server, `mcp_<server>_<tool>`, by the server's own names. Names that would be the same, or
 * too long, end in a hash of the server's own name: the same tool is called the same in every process.
 */
export function toToolNames(server: string, tools: readonly string[]): ReadonlyMap<string, string> {
  const prefix = toMcpPrefix(server);
  const plain = tools.map((tool) => ({ tool, name: prefix + toWord(tool) }));
  const names = new Map<string, string>();
  const taken = new Set<string>();
  // A name that needs no change belongs to the tool that has it, whatever others are sanitized to.
  const inOrder = plain.toSorted((one, other) =>
    Number(isAltered(prefix, one)) - Number(isAltered(prefix, other)) || (one.tool < other.tool ? -1 : 1)
  );
  for (const { tool, name } of inOrder) {
    if (names.has(tool)) continue;
    const fitting = name.length > nameBound || taken.has(name) ? withHash(name, tool) : name;
    taken.add(fitting);
    names.set(tool, fitting);
  }
  return names;
}

function toWord(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_]/g, "_");
}

function isAltered(prefix: string, { tool, name }: { readonly tool: string; readonly name: string }): boolean {
  return prefix + tool !== name;
}

function withHash(name: string, tool: string): string {
  const hash = `_${fnv1a(tool)}`;
  return name.slice(0, nameBound - hash.length) + hash;
}
