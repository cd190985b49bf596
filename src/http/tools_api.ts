import { z } from "zod";

/** A tool, as lists show it. */
export const toolViewSchema = z.object({
  name: z.string(),
  description: z.string(),
  /** Who offers it: `nexo` itself, a plugin, an extension or an MCP server. */
  from: z.enum(["nexo", "plugin", "extension", "mcp"]),
  /** Which plugin, extension or MCP server. */
  source: z.string().optional(),
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
  /** Time that 95 of 100 of them stayed below, milliseconds; `null` without calls. */
  slowMs: z.number().nullable(),
  /** `open`: it failed so often that calls are refused for a while. `half_open`: it is being tried again. */
  breaker: z.enum(["closed", "half_open", "open"]),
});
/** A tool, as lists show it. */
export type ToolView = z.output<typeof toolViewSchema>;
/** Answer of `GET /api/tools`, by name. */
export const toolsAnswerSchema = z.object({ items: z.array(toolViewSchema) });

/** Answer of `GET /api/tools/:name`. */
export const toolDetailSchema = toolViewSchema.extend({
  /** JSON Schema of its input. */
  inputSchema: z.record(z.string(), z.unknown()),
  /** A call ends after this, milliseconds. `null`: after the agent's own `tool_deadline`. */
  deadlineMs: z.number().nullable(),
  /** What it may do and how often, one sentence each. */
  permissions: z.array(z.string()),
  /** Why a browser that tries it must send the token once more. Absent: it need not. */
  asksToken: z.string().optional(),
});
/** Answer of `GET /api/tools/:name`. */
export type ToolDetail = z.output<typeof toolDetailSchema>;

/** Body of `POST /api/tools/:name/try`. */
export const toolTrySchema = z.strictObject({
  /** As whom it is called: what this agent may not use, nobody can try as it. */
  agent: z.string().min(1).max(100),
  /** What the tool is given. It is checked like a model's. */
  input: z.unknown(),
  token: z.string().max(1_000).optional(),
});
/** Body of `POST /api/tools/:name/try`. */
export type ToolTry = z.output<typeof toolTrySchema>;

/** Answer of `POST /api/tools/:name/try`: what a model would have been given. */
export const toolTriedSchema = z.object({
  /** The call's own turn, with its timeline. */
  turnId: z.string(),
  outcome: z.enum(["ok", "error", "denied", "vetoed", "limited", "invalid", "timeout", "unknown"]),
  isError: z.boolean(),
  /** It was written by strangers. */
  untrusted: z.boolean(),
  /** Milliseconds. */
  tookMs: z.number(),
  content: z.array(z.discriminatedUnion("type", [
    z.object({ type: z.literal("text"), text: z.string() }),
    z.object({ type: z.literal("image"), mimeType: z.string(), base64: z.string() }),
  ])),
});
/** Answer of `POST /api/tools/:name/try`. */
export type ToolTried = z.output<typeof toolTriedSchema>;
