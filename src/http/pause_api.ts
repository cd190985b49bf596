import { z } from "zod";

/** Answer of `POST /api/intake/pause` and `/resume`: how it stands now. */
export const pauseAnswerSchema = z.object({ paused: z.boolean() });
/** Answer of `POST /api/intake/pause` and `/resume`. */
export type PauseAnswer = z.output<typeof pauseAnswerSchema>;
