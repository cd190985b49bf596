import { z } from "zod";
import { dreamSchema } from "../core/dream.ts";

/** Body of `POST /api/agents/:agent/dream`. */
export const dreamRequestSchema = z.strictObject({ dryRun: z.boolean().default(false) });

/** The one event that `POST /api/agents/:agent/dream` answers with. */
export const dreamEventSchema = z.discriminatedUnion("type", [
  /** `null`: there was nothing to do. */
  z.object({ type: z.literal("dreamt"), dream: dreamSchema.nullable() }),
  z.object({
    type: z.literal("error"),
    error: z.object({ kind: z.string(), message: z.string(), reason: z.string() }),
  }),
]);
/** The one event that `POST /api/agents/:agent/dream` answers with. */
export type DreamEvent = z.output<typeof dreamEventSchema>;
