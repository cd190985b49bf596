import { z } from "zod";
import { turnEventSchema } from "../core/turn.ts";

/** Body of `POST /api/chat`. */
export const chatRequestSchema = z.object({
  agent: z.string().min(1).max(63),
  /** Absent: a new conversation, whose name the `accepted` event tells. */
  conversation: z.string().min(1).max(500).optional(),
  /** May be empty where there are images. */
  text: z.string().max(1_000_000),
  /** As `data:image/…;base64,…`. */
  images: z.array(z.string().max(20_000_000)).max(10).optional(),
  /** The same key is the same message: a second one only waits for the answer to the first. */
  key: z.string().min(1).max(500).optional(),
}).refine(({ text, images }) => text !== "" || (images?.length ?? 0) > 0, {
  path: ["text"],
  message: "must not be empty",
});
/** Body of `POST /api/chat`. */
export type ChatRequest = z.output<typeof chatRequestSchema>;

/** An event of the stream that `POST /api/chat` answers with: `accepted`, the turn's events, then `reply` or `error`. */
export const chatEventSchema = z.union([
  z.object({
    type: z.literal("accepted"),
    conversation: z.string(),
    key: z.string(),
    /** The message was accepted before. */
    duplicate: z.boolean(),
  }),
  turnEventSchema,
  z.object({
    type: z.literal("reply"),
    outcome: z.enum(["answered", "failed", "silent"]),
    /** The whole reply, as it went out; replaces what was streamed. */
    text: z.string(),
    turnId: z.string(),
    /** Why no answer could be made, where the outcome is `failed`. */
    error: z.object({ kind: z.string(), message: z.string() }).optional(),
  }),
  z.object({
    type: z.literal("error"),
    error: z.object({ kind: z.string(), message: z.string(), reason: z.string() }),
  }),
]);
/** An event of the stream that `POST /api/chat` answers with. */
export type ChatEvent = z.output<typeof chatEventSchema>;
