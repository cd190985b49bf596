import { z } from "zod";
import { deadline, duration, idText, secretText } from "./scalars.ts";

const price = z.strictObject({
  input: z.number().min(0).describe("US dollars a million prompt tokens."),
  output: z.number().min(0).describe("US dollars a million answer tokens."),
  cache_read: z.number().min(0).optional().describe(
    "US dollars a million tokens read from the prompt cache. Default: `input`.",
  ),
  cache_write: z.number().min(0).optional().describe("US dollars a million tokens written to it. Default: `input`."),
});

/** Protocols that a provider may speak. A provider named like one needs no `kind`. */
export const kindNames = ["anthropic", "openai_compatible", "gemini", "minimax", "deepseek"] as const;

/** One provider of models. */
export const providerSchema = z.strictObject({
  kind: z.enum(kindNames).optional().describe(
    "Protocol it speaks. Default: the provider's own name.",
  ),
  api_key: secretText.optional().describe("Key. Empty: the provider is not used. `none`: it needs no key."),
  base_url: z.url().optional().describe("Address of its API. Default: the vendor's; for `openai_compatible` OpenAI's."),
  default_model: z.string().min(1).optional().describe("Model that `auto` takes."),
  headers: z.record(z.string(), secretText).default({}).describe("Extra request headers."),
  rate_limit: z.strictObject({
    requests_per_second: z.number().positive().describe("Requests a second for one key."),
    burst: z.number().int().positive().default(10).describe("How many may start at once."),
  }).optional().describe("Our own limit. Absent: none."),
  timeouts: z.strictObject({
    first_chunk: deadline.default(60_000).describe("Until the first piece of the answer."),
    idle: deadline.default(30_000).describe("Between two pieces."),
    total: deadline.default(300_000).describe("For the whole answer."),
  }).prefault({}).describe("Deadlines of one call."),
  prices: z.record(z.string(), price).default({}).describe("Prices by model, over the built-in table."),
  context_windows: z.record(z.string(), z.number().int().min(1_000)).default({}).describe(
    "Context windows in tokens by model, over the built-in table. A model that stands in neither: 32000.",
  ),
  images: z.boolean().default(true).describe("Whether its models can see images."),
});
/** One provider, as parsed. */
export type ProviderConfig = z.output<typeof providerSchema>;

/** `llm.yaml`. */
export const llmFileSchema = z.strictObject({
  providers: z.record(idText, providerSchema).default({}).describe(
    "Providers of models, in the order that `auto` tries them.",
  ),
  retry: z.strictObject({
    rate_limited_attempts: z.number().int().min(1).max(10).default(5).describe("Tries when the provider answers 429."),
    failed_attempts: z.number().int().min(1).max(10).default(3).describe(
      "Tries when it answers 5xx or the network fails.",
    ),
    initial_backoff: duration.default(1_000).describe("Wait before the second try; doubles, jittered."),
    max_backoff: duration.default(60_000).describe("Longest wait between two tries."),
  }).prefault({}).describe("When a call is tried again."),
});
/** `llm.yaml`, as parsed. */
export type LlmConfig = z.output<typeof llmFileSchema>;
