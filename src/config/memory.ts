import { z } from "zod";
import { duration } from "./scalars.ts";

/** `memory.yaml`. */
export const memoryFileSchema = z.strictObject({
  short_term: z.strictObject({
    max_history_turns: z.number().int().min(1).max(1_000).default(50).describe(
      "Newest messages of a session that the model sees.",
    ),
    session_ttl: duration.default(86_400_000).describe(
      "A session silent for this long starts afresh; its transcript is kept.",
    ),
  }).prefault({}).describe("What an agent has before its eyes."),
});
/** `memory.yaml`, as parsed. */
export type MemoryConfig = z.output<typeof memoryFileSchema>;
