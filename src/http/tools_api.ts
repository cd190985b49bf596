import { z } from "zod";

/** A tool, as lists show it. */
export const toolViewSchema = z.object({
  name: z.string(),
  description: z.string(),
  /** Who offers it: `nexo` itself, a plugin, an extension or an MCP server. */
  from: z.enum(["nexo", "plugin", "extension", "mcp"]),
  /** What running it twice would do. */
  effect: z.enum(["none", "idempotent", "once"]),
  /** Not to be used in a turn that holds untrusted text. */
  dangerous: z.boolean(),
  /** Agents that may use it. */
  agents: z.array(z.string()),
  /** Calls that ended in the last hour. */
  calls: z.number().int(),
  /** Those of them that failed. */
  errors: z.number().int(),
  /** Median of their time, milliseconds; `null` without calls. */
  medianMs: z.number().nullable(),
});
/** A tool, as lists show it. */
export type ToolView = z.output<typeof toolViewSchema>;
/** Answer of `GET /api/tools`, by name. */
export const toolsAnswerSchema = z.object({ items: z.array(toolViewSchema) });
