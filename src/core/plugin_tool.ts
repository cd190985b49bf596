import { z } from "zod";
import { outboundSchema, senderSchema } from "./message.ts";
import type { JsonSchema, ToolEffect } from "./tool.ts";
import { toolContentSchema } from "./transcript.ts";

/**
 * A tool that a plugin offers to the agents that are bound to it. The runtime gives it one more input, `account`: the
 * instance that is meant, where the agent has several.
 */
export interface PluginTool {
  /** `<plugin>_<verb>`, `[a-z0-9_]`. */
  readonly name: string;
  readonly description: string;
  /** Of an object. */
  readonly inputSchema: JsonSchema;
  /** A tool that only sends is `idempotent`: its message is queued once, whatever happens. */
  readonly effect: ToolEffect;
  /** See {@linkcode Tool.dangerous}. */
  readonly dangerous?: true;
  /**
   * The input that names files: a path, or a list of paths, below the agent's own folder. The runtime reads them and puts
   * them into the message; the plugin never sees that folder.
   */
  readonly files?: string;
}

/** A call of a plugin's tool, on its way to the plugin. */
export const pluginToolCallSchema = z.object({
  name: z.string(),
  input: z.unknown(),
  agent: z.string(),
  /** The conversation that the turn belongs to, where it is one of this instance. */
  conversation: z.string().optional(),
  /** Then: the provider's id of the message that the turn began with, where it began with one. */
  messageId: z.string().optional(),
  /** Key of the message that the call sends, if it sends one. Stays the same when the call is run again. */
  key: z.string(),
});
/** A call of a plugin's tool. */
export type PluginToolCall = z.output<typeof pluginToolCallSchema>;

/** A message that a tool wants to be sent. The runtime decides whether it may, and answers for its delivery. */
const toolMessageSchema = outboundSchema.pick({
  conversation: true,
  thread: true,
  inReplyTo: true,
  text: true,
  subject: true,
  quotes: true,
  filesAs: true,
  act: true,
}).extend({
  /** Who reads it. Absent: a group. */
  recipient: senderSchema.optional(),
  /** It answers what `recipient` wrote. */
  isAnswer: z.boolean().default(false),
  /** It begins a thread of its own: may go only to those whom the binding names as recipients. */
  isNew: z.boolean().default(false),
});
/** A message that a tool wants to be sent. */
export type ToolMessage = z.output<typeof toolMessageSchema>;

/** What a plugin says to a call: a result, or a message to be sent. */
export const pluginToolAnswerSchema = z.union([
  z.object({
    content: z.array(toolContentSchema),
    isError: z.boolean().exactOptional(),
    untrusted: z.boolean().exactOptional(),
  }),
  z.object({ send: toolMessageSchema }),
]);
/** What a plugin says to a call, with nothing left out. */
export type PluginToolAnswer = z.output<typeof pluginToolAnswerSchema>;
/** The same as a plugin writes it: what has a default may be left out. */
export type PluginToolAnswerDraft = z.input<typeof pluginToolAnswerSchema>;
