import { z } from "zod";
import { modelSchema } from "./agents.ts";
import { duration } from "./scalars.ts";

/** `memory.yaml`. */
export const memoryFileSchema = z.strictObject({
  short_term: z.strictObject({
    max_history_turns: z.number().int().min(1).max(1_000).default(100).describe(
      "Newest messages of a session that the model sees.",
    ),
    max_history_tokens: z.number().int().min(500).default(32_000).describe(
      "Tokens that they may take; fewer where the model's context window is small.",
    ),
    max_tool_result_tokens: z.number().int().min(100).default(16_000).describe(
      "Longer tool results are shortened in the prompt; the transcript keeps them whole.",
    ),
    session_ttl: duration.default(86_400_000).describe(
      "A session silent for this long starts afresh; its transcript is kept.",
    ),
    compaction: z.strictObject({
      enabled: z.boolean().default(true).describe(
        "Sum up older messages when they are about to leave the window. Off: they leave it, and the model is told.",
      ),
      at: z.number().min(0.1).max(1).default(0.75).describe(
        "Part of the window, by messages or tokens, from which on it is done.",
      ),
      keep_tokens: z.number().int().min(0).default(8_000).describe(
        "Newest exchanges that are not summed up, in tokens; at most half of `max_history_turns`.",
      ),
      model: modelSchema.optional().describe(
        "Model that writes the summary, such as a cheap one. Absent: the agent's.",
      ),
      max_summary_tokens: z.number().int().min(100).max(20_000).default(1_000).describe("Longest summary."),
    }).prefault({}).describe("Older messages are summed up after an answer, beside the conversation; none is deleted."),
  }).prefault({}).describe("What an agent has before its eyes."),
});
/** `memory.yaml`, as parsed. */
export type MemoryConfig = z.output<typeof memoryFileSchema>;
