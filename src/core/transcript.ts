import { z } from "zod";
import { attachmentSchema } from "./message.ts";

/** A piece of a tool's answer. */
export const toolContentSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("image"), mimeType: z.string(), base64: z.string() }),
  z.object({ type: z.literal("json"), value: z.unknown() }),
]);

/** A call of the model, as the journal and the transcript hold it. */
export const toolCallSchema = z.object({
  id: z.string(),
  name: z.string(),
  input: z.unknown(),
  inputError: z.string().optional(),
});

/** The answer to a call, as the journal and the transcript hold it. */
export const toolResultSchema = z.object({
  callId: z.string(),
  name: z.string(),
  content: z.array(toolContentSchema),
  isError: z.boolean(),
});

/** One entry of a session's transcript: what was said, by whom. Appended, never rewritten. */
export const transcriptEntrySchema = z.discriminatedUnion("role", [
  z.object({
    role: z.literal("user"),
    /** What the model is shown. */
    text: z.string(),
    /** `path`: where it lies in the agent's folder. */
    attachments: z.array(attachmentSchema.extend({ path: z.string().optional() })).optional(),
    /** What the text quoted of earlier messages; not shown to the model. */
    quotedTail: z.string().optional(),
    /** Who wrote it, for people who read the transcript. */
    sender: z.string().optional(),
    /** Everybody whose words it holds, as `toPerson` names them. Absent: nobody in particular, or an entry of old. */
    people: z.array(z.string()).optional(),
    /** Provider message ids of what was merged into this entry. */
    providerMessageIds: z.array(z.string()).optional(),
    /** The text holds something that strangers to the session wrote. */
    untrusted: z.boolean().optional(),
  }),
  z.object({
    role: z.literal("assistant"),
    text: z.string(),
    toolCalls: z.array(toolCallSchema),
    providerState: z.unknown().optional(),
  }),
  z.object({ role: z.literal("tool"), results: z.array(toolResultSchema), untrusted: z.boolean().optional() }),
  /** Something that the runtime tells the agent: a reply that could not be delivered. */
  z.object({
    role: z.literal("note"),
    text: z.string(),
    /** The text sums up the entries before it, which stay where they are. */
    summary: z.literal(true).optional(),
    /** The text holds something that strangers to the session wrote. */
    untrusted: z.boolean().optional(),
  }),
]);
/** One entry of a session's transcript. */
export type TranscriptEntry = z.output<typeof transcriptEntrySchema>;
