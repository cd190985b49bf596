import { z } from "zod";

/** Body of `POST /api/login`. */
export const loginRequestSchema = z.object({ token: z.string().max(1_000) });
/** Answer of `POST /api/login` and `POST /api/logout`. */
export const loginAnswerSchema = z.object({ ok: z.literal(true) });
