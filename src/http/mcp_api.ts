import { z } from "zod";

/** A tool of an MCP server, as lists show it. */
const mcpToolViewSchema = z.object({
  /** As the server calls it. */
  tool: z.string(),
  /** As agents call it. */
  name: z.string(),
  /** `held`: it waits for the operator's word. `refused`: it cannot be used. */
  state: z.enum(["live", "held", "refused"]),
  reason: z.string().optional(),
  description: z.string(),
});

/** An MCP server, as lists show it. */
export const mcpServerViewSchema = z.object({
  server: z.string(),
  state: z.enum(["connecting", "up", "down"]),
  reason: z.string().optional(),
  /** What the server says it is. */
  title: z.string(),
  /** How often the connection was lost. */
  reconnects: z.number().int(),
  /** What holds a program that we run back; `none`: it is no such program. */
  confinement: z.enum(["deno", "bubblewrap", "unconfined", "none"]),
  tools: z.array(mcpToolViewSchema),
});
/** An MCP server, as lists show it. */
export type McpServerView = z.output<typeof mcpServerViewSchema>;
/** Answer of `GET /api/mcp/servers`. */
export const mcpServersSchema = z.object({ servers: z.array(mcpServerViewSchema) });

/** Body of `POST /api/mcp/servers/:server/accept`: held tools by the server's names. Absent: all of them. */
export const mcpAcceptSchema = z.strictObject({ tools: z.array(z.string().min(1)).max(5_000).optional() });
/** Answer of `POST /api/mcp/servers/:server/accept`. */
export const mcpAcceptedSchema = z.object({ accepted: z.array(z.string()) });
