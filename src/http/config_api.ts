import { z } from "zod";

// One schema for each request and answer of `/api/config`.

const pathText = z.string().min(1).max(200);
const fileText = z.string().max(1_000_000);

/** A file of the config folder, as people edit it. */
export const configFileSchema = z.object({
  /** Path in the folder: `agents.yaml`, `plugins/telegram.yaml`. */
  path: z.string(),
  /** Empty where the file is not there yet. */
  text: z.string(),
  /** Names this text: an edit says which one it was made from. */
  version: z.string(),
});
/** A file of the config folder, as people edit it. */
export type ConfigFileView = z.output<typeof configFileSchema>;

/** Something wrong in the config, and what to do about it. */
export const configFaultSchema = z.object({
  file: z.string(),
  line: z.number().int().optional(),
  column: z.number().int().optional(),
  path: z.string(),
  message: z.string(),
  remedy: z.string(),
});
/** Something wrong in the config, and what to do about it. */
export type ConfigFaultView = z.output<typeof configFaultSchema>;

/** Answer of `GET /api/config/files`. */
export const configFilesAnswerSchema = z.object({ files: z.array(configFileSchema) });

/** Body of `POST /api/config/check`. */
export const configCheckSchema = z.strictObject({ path: pathText, text: fileText });
/** Answer of `POST /api/config/check`: everything that would be wrong with the whole config. */
export const configCheckAnswerSchema = z.object({ faults: z.array(configFaultSchema) });

/** Body of `POST /api/config/apply`. */
export const configApplySchema = z.strictObject({
  path: pathText,
  text: fileText,
  /** `version` of the text that the edit was made from. */
  base: z.string().max(100),
  /** The admin token once more, for a file that can name commands to run. */
  token: z.string().max(1_000).optional(),
});
/** Answer of `POST /api/config/apply`. */
export const configApplyAnswerSchema = z.object({
  result: z.enum(["applied", "unchanged", "refused"]),
  /** Changed settings that wait for a restart. */
  restartNeeded: z.array(z.string()),
});
/** Answer of `POST /api/config/apply`. */
export type ConfigApplyAnswer = z.output<typeof configApplyAnswerSchema>;

/** Query of `GET /api/config/explain`. */
export const configExplainRequestSchema = z.object({
  /** Such as `agents.ana`; empty means everything. */
  path: z.string().max(500).default(""),
});
/** One setting in force. */
export const configSettingSchema = z.object({
  path: z.string(),
  /** As it would be written in the file; secrets as `[secret]`. Absent: nothing is set and nothing is default. */
  value: z.unknown(),
  /** Where the value came from: `agents.yaml:12`, `environment X`, `default`. */
  origin: z.string(),
  /** What may be written there. */
  type: z.string(),
  description: z.string().optional(),
  default: z.unknown().optional(),
});
/** One setting in force. */
export type ConfigSettingView = z.output<typeof configSettingSchema>;
/** Answer of `GET /api/config/explain`. */
export const configSettingsAnswerSchema = z.object({ items: z.array(configSettingSchema) });

/** Query of `GET /api/agents/:agent/policy`. */
export const policyRequestSchema = z.object({
  /** Plugin and instance, such as `telegram.sales`. Absent: the console and programs. */
  heard: z.string().min(1).max(200).optional(),
});
/** One setting of a policy in force, by its name in the agent. */
export const policySettingSchema = configSettingSchema.extend({
  /** What decides it: the binding on which a message comes in, the agent, or nobody. */
  from: z.enum(["binding", "agent", "default"]),
});
/** One setting of a policy in force, by its name in the agent. */
export type PolicySettingView = z.output<typeof policySettingSchema>;
/** Answer of `GET /api/agents/:agent/policy`. */
export const policyAnswerSchema = z.object({ items: z.array(policySettingSchema) });

/** Query of `GET /api/config/options`. */
export const configOptionsRequestSchema = z.object({ file: pathText });
/** What can be written in a file. */
export const configOptionSchema = z.object({
  /** Way to it, such as `agents[].model.provider`; `<name>` stands for a name that the user chooses. */
  path: z.string(),
  /** What may be written there, in words. */
  type: z.string(),
  required: z.boolean(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  /** What may be written there, where that can be listed. */
  values: z.array(z.string()).optional(),
});
/** What can be written in a file. */
export type ConfigOptionView = z.output<typeof configOptionSchema>;
/** Answer of `GET /api/config/options`. */
export const configOptionsAnswerSchema = z.object({ items: z.array(configOptionSchema) });

/** A text that a file had before it was edited. */
export const configPastSchema = z.object({
  id: z.string(),
  path: z.string(),
  /** ISO 8601 UTC, when it was replaced. */
  replacedAt: z.string(),
});
/** A text that a file had before it was edited. */
export type ConfigPastView = z.output<typeof configPastSchema>;
/** Answer of `GET /api/config/history`, newest first. */
export const configPastsAnswerSchema = z.object({ items: z.array(configPastSchema) });
