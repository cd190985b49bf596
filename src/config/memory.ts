import { z } from "zod";
import { modelSchema } from "./agents.ts";
import { deadline, duration, secretText } from "./scalars.ts";

/** Who can make vectors. */
export const embedderKinds = ["embedded", "openai_compatible", "gemini", "none"] as const;

/** Who makes vectors of what agents know. */
const embedderSchema = z.strictObject({
  kind: z.enum(embedderKinds).default("embedded").describe(
    "`embedded`: part of the program, needs no key and no network. `none`: facts are found by their words only.",
  ),
  model: z.string().min(1).optional().describe(
    "Name of the model. Default: `text-embedding-3-small` and `gemini-embedding-001`.",
  ),
  api_key: secretText.optional().describe("Key. `none`: it needs no key."),
  base_url: z.url().optional().describe("Address of its API. Default: the vendor's."),
  dimensions: z.number().int().min(8).max(4_096).optional().describe(
    "Length of a vector, for models that can choose. Default: the model's own.",
  ),
  batch_size: z.number().int().min(1).max(512).default(64).describe("Facts sent at once."),
  timeout: deadline.default(20_000).describe("For one request."),
  question_timeout: deadline.default(3_000).describe(
    "How long a recall waits for the vector of its question before it goes on with words alone.",
  ),
  rate_limit: z.strictObject({
    requests_per_second: z.number().positive().describe("Requests a second."),
    burst: z.number().int().positive().default(10).describe("How many may start at once."),
  }).optional().describe("Our own limit. Absent: none."),
}).superRefine((embedder, context) => {
  const remote = embedder.kind === "openai_compatible" || embedder.kind === "gemini";
  if (remote && embedder.api_key === undefined) {
    context.addIssue({
      code: "custom",
      path: ["api_key"],
      message: "is missing; write `none` for a server without keys",
    });
  }
});
/** Who makes vectors, as parsed. */
export type EmbedderConfig = z.output<typeof embedderSchema>;

/** `memory.yaml`. */
export const memoryFileSchema = z.strictObject({
  short_term: z.strictObject({
    max_history_turns: z.number().int().min(1).max(1_000).default(50).describe(
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
      at: z.number().min(0.1).max(1).default(0.9).describe(
        "Part of the window, by messages or tokens, from which on it is done.",
      ),
      keep_tokens: z.number().int().min(0).default(8_000).describe(
        "Newest exchanges that are not summed up, in tokens; at most three of ten of `max_history_turns`.",
      ),
      model: modelSchema.optional().describe(
        "Model that writes the summary, such as a cheap one. Absent: the agent's.",
      ),
      max_summary_tokens: z.number().int().min(100).max(20_000).default(1_000).describe("Longest summary."),
    }).prefault({}).describe("Older messages are summed up after an answer, beside the conversation; none is deleted."),
  }).prefault({}).describe("What an agent has before its eyes."),
  long_term: z.strictObject({
    enabled: z.boolean().default(true).describe(
      "Whether there are the tools `remember`, `recall`, `forget` and `memory_list`. An agent uses those that its `allowed_tools` names.",
    ),
    max_facts: z.number().int().min(1).max(1_000_000).default(100_000).describe(
      "Facts of one agent, replaced ones too.",
    ),
    max_fact_chars: z.number().int().min(100).max(20_000).default(4_000).describe("Characters of one fact."),
    max_bytes: z.number().int().min(1_000_000).default(2_000_000_000).describe("Size of one agent's file."),
    idle_close: duration.default(300_000).describe("A file that nobody asked for so long is closed."),
    embedder: embedderSchema.prefault({}).describe("Who makes the vectors that facts are found by in other words."),
  }).prefault({}).describe("What an agent knows across conversations, in `data/agents/ID/memory.db`."),
});
/** `memory.yaml`, as parsed. */
export type MemoryConfig = z.output<typeof memoryFileSchema>;
/** What an agent knows across conversations, as parsed. */
export type LongTermConfig = MemoryConfig["long_term"];
