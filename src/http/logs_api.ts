import { z } from "zod";

/** One entry of the process's log. */
export const logEntryViewSchema = z.object({
  /** ISO 8601 UTC. */
  at: z.string(),
  level: z.enum(["debug", "info", "warn", "error"]),
  /** A fixed dotted name: `turn.ended`. */
  event: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).optional()),
});
/** One entry of the process's log. */
export type LogEntryView = z.output<typeof logEntryViewSchema>;

/** Query of `GET /api/logs`. Other parameters are fields that an entry must have. */
export const logQuerySchema = z.object({
  /** This level and louder ones. */
  level: logEntryViewSchema.shape.level.optional(),
  /** Beginning of the event's name. */
  event: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(2_000).default(200),
  /** Stream later entries too, as server-sent events. */
  follow: z.literal("1").optional(),
}).catchall(z.string().max(2_000));

/** Answer of `GET /api/logs` without `follow`, oldest first. */
export const logsAnswerSchema = z.object({ items: z.array(logEntryViewSchema) });
