import { z } from "zod";
import { type ErrorKind, errorKinds, type ErrorRecord } from "../core/error.ts";

const isKind = (text: string): text is ErrorKind => Object.hasOwn(errorKinds, text);

/** An error on its way between processes. */
export const errorRecordSchema = z.object({
  kind: z.string().refine(isKind),
  message: z.string(),
  reason: z.string().optional(),
  retryAfterMs: z.number().optional(),
}).transform(({ kind, message, reason, retryAfterMs }): ErrorRecord => ({
  kind,
  message,
  ...(reason === undefined ? {} : { reason }),
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
}));

/** What is answered to a question: an error, or else `ok`, which JSON leaves out where it is `undefined`. */
export const replySchema = z.object({ ok: z.unknown().optional(), error: errorRecordSchema.optional() });
