import { z } from "zod";

/** Query of `GET /api/audit`: newest first. */
export const auditFilterSchema = z.object({
  /** Only ids below this one: the cursor of the next page. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** One thing that was done. */
export const auditEntrySchema = z.object({
  id: z.number().int(),
  /** ISO 8601 UTC. */
  at: z.string(),
  /** A token's name; of the root token `root` in a browser, `cli` or `api`; `gate` and `clock` are the process itself. */
  actor: z.string(),
  /** Such as `pairing.approved`. */
  action: z.string(),
  agent: z.string().nullable(),
  /** What it was done to. */
  target: z.string(),
});
/** One thing that was done. */
export type AuditEntry = z.output<typeof auditEntrySchema>;
/** Answer of `GET /api/audit`. */
export const auditAnswerSchema = z.object({
  items: z.array(auditEntrySchema),
  /** The `before` of the next page; absent: this was the last. */
  next: z.number().int().optional(),
});
