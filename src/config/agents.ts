import { z } from "zod";
import { deadline, duration, idText, rate } from "./scalars.ts";

const modelName = z.strictObject({
  provider: idText.describe("A key of `providers` in llm.yaml, or `demo`."),
  model: z.string().min(1).describe("The provider's own name of the model."),
});

/** Which model answers. `auto` takes the first provider that has a key, else the built-in demo model. */
export const modelSchema = z.union([z.literal("auto"), modelName]).describe("Model of the agent, or `auto`.");

const sharedPolicy = {
  allowed_tools: z.array(z.string().min(1)).optional().describe(
    "Tools the agent may use, by name or pattern with `*`. Absent or empty: only the harmless built-ins.",
  ),
  allowed_delegates: z.array(z.string()).optional().describe(
    "Agents it may give tasks to, where `allowed_tools` has `delegate`. Absent: any. Empty: nobody.",
  ),
  sender_rate_limit: rate.optional().describe("How often one sender may write. Absent: no limit."),
  language: z.string().max(64).optional().describe("Language of the answers. Absent: the sender's."),
};

/** Settings of an agent that a binding may replace. */
export const policyKeys: readonly string[] = [...Object.keys(sharedPolicy), "model"];

/** Which plugin instance an agent hears, and under which policy. Values here replace the agent's. */
export const bindingSchema = z.strictObject({
  plugin: idText.describe("Plugin, such as `telegram`."),
  instance: idText.default("default").describe("Instance of the plugin."),
  open: z.boolean().default(false).describe("Anybody may talk. Otherwise `allow_from`, and whom the operator lets in."),
  allow_from: z.array(z.union([z.string(), z.number().transform(String)])).default([]).describe(
    "Senders who may talk: ids, or @handles. Empty: nobody, unless `open` or let in by the operator.",
  ),
  pairing: z.boolean().default(true).describe(
    "An unknown sender gets a code, by which the operator can let them in. `false`: they get no answer.",
  ),
  pairing_text: z.string().max(2_000).refine((text) => text.includes("{code}"), "must contain {code}").default(
    "I do not know you yet, so I did not read your message. Give the code {code} to whoever runs this assistant; " +
      "once they have let you in, write again. The code is valid for one hour.",
  ).describe("What an unknown sender is told. {code} is the code."),
  groups: z.enum(["off", "mention", "all"]).default("mention").describe(
    "In groups: never answer, only when addressed, or always.",
  ),
  allow_groups: z.array(z.union([z.string(), z.number().transform(String)])).default([]).describe(
    "Conversation ids of groups that may talk. Empty: any group whose sender may talk.",
  ),
  recipients: z.array(z.string().min(1).max(320).toLowerCase()).default([]).describe(
    "Whom its tools may write to without having been asked: ids, @handles or addresses, with `*`. Empty: only who may talk here, and by mail only in answer.",
  ),
  model: modelSchema.optional(),
  system_prompt_extra: z.string().optional().describe("Appended to the agent's system prompt on this channel."),
  unknown_send: z.enum(["resend", "hold"]).optional().describe(
    "A send whose answer was lost in a crash: send again (may show twice) or leave it to the operator as a dead letter.",
  ),
  ...sharedPolicy,
});
/** One binding, as parsed. */
export type Binding = z.output<typeof bindingSchema>;

/** Money and tokens that an agent may use. Checked before each model call. */
const budgetSchema = z.strictObject({
  daily_usd: z.number().positive().optional().describe("US dollars a UTC day."),
  monthly_usd: z.number().positive().optional().describe("US dollars a UTC month."),
  daily_tokens: z.number().int().positive().optional().describe("Tokens, in and out, a UTC day."),
  monthly_tokens: z.number().int().positive().optional().describe("Tokens, in and out, a UTC month."),
});

/** One agent. */
export const agentSchema = z.strictObject({
  id: idText.describe("Name of the agent in subjects, files and commands."),
  description: z.string().default("").describe("What it is for; other agents read it before they delegate."),
  model: modelSchema.default("auto"),
  fallback_models: z.array(modelName).default([]).describe("Asked in order when the model does not answer."),
  system_prompt: z.string().default("").describe("Who the agent is and how it behaves."),
  workspace: z.string().optional().describe(
    "Folder with IDENTITY.md, SOUL.md, AGENTS.md and so on. Default: in the data folder.",
  ),
  skills_dir: z.string().optional().describe(
    "Folder with the agent's own skills (`<name>/SKILL.md`). Default: `skills` in its workspace. Those of all agents lie in `skills` beside the config files.",
  ),
  skills: z.array(z.string()).default([]).describe(
    "Skills that the agent has, by name: its own, or those of all agents.",
  ),
  ...sharedPolicy,
  accept_delegates_from: z.array(z.string()).default(["*"]).describe("Agents that may give it tasks. `*`: any."),
  inbound_bindings: z.array(bindingSchema).default([]).describe("Which channels it hears."),
  budget: budgetSchema.optional().describe("What it may spend."),
  retention: duration.refine((ms) => ms >= 3_600_000, "must be at least 1h").optional().describe(
    "Messages older than this are deleted, with their turns, answers, dead letters and search entries. Absent: kept.",
  ),
  heartbeat: z.strictObject({
    enabled: z.boolean().default(false).describe("Whether the agent wakes by itself."),
    interval: duration.refine((ms) => ms >= 1_000, "must be at least 1s: each wake asks the model").default(300_000)
      .describe("Time between two wakes."),
    prompt: z.string().default("Heartbeat. Do what is due. Answer NOTHING when nothing is.").describe(
      "What it is told.",
    ),
    deliver_to: z.strictObject({
      plugin: idText.describe("Plugin, such as `telegram`."),
      instance: idText.default("default").describe("Instance of the plugin."),
      conversation: z.string().min(1).describe("The chat, as the provider names it."),
    }).optional().describe("Where an answer other than NOTHING goes. Absent: only into the transcript."),
  }).prefault({}).describe("The agent's own clock."),
  dreaming: z.strictObject({
    enabled: z.boolean().default(false).describe(
      "Tidy up the memory by itself: promote what is recalled often, merge what is doubled, let fade what nobody asks for.",
    ),
    at: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 03:00").default("03:00").describe(
      "Time of the day, UTC.",
    ),
    every: duration.refine((ms) => ms >= 60_000, "must be at least 1m").optional().describe(
      "Time between two dreams, in the place of `at`.",
    ),
    model: modelSchema.optional().describe("Model that merges facts, such as a cheap one. Absent: the agent's."),
    max_tokens: z.number().int().min(500).max(200_000).default(8_000).describe(
      "Tokens of one dream, question and answer; they count in the agent's `budget`.",
    ),
    promote_after: z.number().int().min(1).default(3).describe(
      "A fact that was recalled so often is written into MEMORY.md.",
    ),
    promote: z.enum(["everyone", "all"]).default("everyone").describe(
      "Promote only facts that everyone may know, or also what was told in private: for an agent that serves one person.",
    ),
    fade_after: duration.default(90 * 86_400_000).describe(
      "A fact that nobody asked for so long weighs half as much with each dream, and less than 0.1 is nothing.",
    ),
  }).prefault({}).describe("Consolidation of what the agent knows."),
  config: z.strictObject({
    debounce_ms: z.number().int().min(0).max(60_000).default(2_000).describe(
      "A burst of messages with gaps shorter than this becomes one turn. 0: each message its own turn.",
    ),
    mode: z.enum(["queue", "merge", "steer"]).default("queue").describe(
      "A message while a turn runs: its own turn afterwards; all merged into one turn afterwards; or shown to the running turn before its next model call.",
    ),
    max_model_calls: z.number().int().min(1).max(100).default(10).describe(
      "Model calls in one turn, the final answer included.",
    ),
    turn_deadline: deadline.default(600_000).describe("A turn ends after this at the latest."),
    tool_deadline: deadline.default(60_000).describe("A tool call ends after this, unless the tool has its own limit."),
    max_output_tokens: z.number().int().positive().optional().describe("Longest answer of one model call."),
    temperature: z.number().min(0).max(2).optional().describe("Sampling temperature. Absent: the provider's default."),
    typing: z.boolean().default(true).describe("Show that the agent is writing."),
    delegate_depth: z.number().int().min(1).max(8).default(4).describe("How many agents a task may go through."),
    max_image_bytes: z.number().int().positive().default(5_000_000).describe(
      "Larger images are named to the model, not shown.",
    ),
    max_attachment_bytes: z.number().int().positive().default(25_000_000).describe(
      "Larger attachments are named, not put into the agent's folder.",
    ),
    keep_attachments: duration.default(90 * 86_400_000).describe("How long attachments stay in the agent's folder."),
    session_search: z.enum(["person", "all"]).default("person").describe(
      "What the tool `session_search` finds: this conversation and others with the same person alone, or all of the agent's.",
    ),
    tool_search_above: z.number().int().min(1).default(100).describe(
      "Of more tools than this, those of MCP servers and extensions are shown to the model only when it searches for them, with `tool_search`.",
    ),
    failure_text: z.string().min(1).default(
      "Sorry, I could not answer that. The operator has been told. ({reason})",
    ).describe("What the user reads when a turn fails. {reason} is a few plain words."),
  }).prefault({}).describe("How turns run."),
  tool_rate_limits: z.record(z.string(), rate).default({}).describe("Calls a second, by tool name or pattern."),
});
/** One agent, as parsed. */
export type AgentConfig = z.output<typeof agentSchema>;

/** `agents.yaml`, `agents.d/*.yaml`. */
export const agentsFileSchema = z.strictObject({ agents: z.array(agentSchema).default([]).describe("Agents.") });
