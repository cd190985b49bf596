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
  /** `possible`: a person can log in at it. `wanted`: it waits for that. */
  login: z.enum(["none", "possible", "wanted"]),
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

/** Answer of `POST /api/mcp/servers/:server/login`: the page with which a person logs in. */
export const mcpLoginSchema = z.object({ url: z.url() });

/** A question of a server to the operator. */
export const mcpQuestionSchema = z.object({
  id: z.string(),
  server: z.string(),
  /** In the server's words. */
  message: z.string(),
  /** JSON Schema of the answer. */
  schema: z.unknown(),
  /** ISO 8601 UTC. */
  askedAt: z.string(),
});
/** A question of a server to the operator. */
export type McpQuestion = z.output<typeof mcpQuestionSchema>;
/** Answer of `GET /api/mcp/questions`. */
export const mcpQuestionsSchema = z.object({ questions: z.array(mcpQuestionSchema) });

/** Body of `POST /api/mcp/questions/:id`. */
export const mcpAnswerSchema = z.discriminatedUnion("action", [
  z.strictObject({
    action: z.literal("accept"),
    content: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).default({}),
  }),
  z.strictObject({ action: z.enum(["decline", "cancel"]) }),
]);
/** Body of `POST /api/mcp/questions/:id`. */
export type McpAnswer = z.output<typeof mcpAnswerSchema>;
/** Answer of `POST /api/mcp/questions/:id`. */
export const mcpAnsweredSchema = z.object({ ok: z.literal(true) });
