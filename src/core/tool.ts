import type { Log } from "./log.ts";
import type { SessionKey } from "./session.ts";

/** A JSON Schema (draft 2020-12 subset that models understand), as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What running a tool twice does.
 * `none`: nothing; `idempotent`: nothing, given the same key; `once`: it happens twice, so after a crash it is not run again.
 */
export type ToolEffect = "none" | "idempotent" | "once";

/** A piece of a tool's answer. */
export type ToolContent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly mimeType: string; readonly base64: string }
  | { readonly type: "json"; readonly value: unknown };

/** What a tool gives back to the model. */
export interface ToolResult {
  readonly content: readonly ToolContent[];
  /** The tool says that it failed; the content says why, for the model to read. */
  readonly isError?: boolean;
  /** The content was written by strangers (a page, a mail): it is fenced before the model sees it. */
  readonly untrusted?: boolean;
}

/** How far a tool has come. */
export interface ToolProgress {
  readonly done: number;
  /** What `done` will be at the end, where that is known. */
  readonly total?: number;
  /** A few words, which may be a stranger's. */
  readonly message?: string;
}

/** What a tool is given beside its input. */
export interface ToolContext {
  readonly agent: string;
  readonly session: SessionKey;
  readonly sessionId: string;
  readonly turnId: string;
  /** Others than the person who asks read the answer. */
  readonly isGroup: boolean;
  /** Who asks, as {@linkcode toPerson} names them. Absent: nobody in particular (the agent's own clock, a task). */
  readonly person?: string | undefined;
  /** The provider's id of the message that the turn began with. Absent: it began with none. */
  readonly messageId?: string | undefined;
  /** Stays the same when the call is run again after a crash. */
  readonly idempotencyKey: string;
  /** Agents that the task went through before it came to this one, for delegation. */
  readonly chain: readonly string[];
  /** Milliseconds since the epoch at which the turn ends at the latest. */
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Tells those who watch how far the call has come. */
  progress?(report: ToolProgress): void;
}

/** One erased shape for built-in, plugin, extension and MCP tools. */
export interface Tool {
  /** `[a-z0-9_]`, at most 64 characters: what every provider takes. */
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly effect: ToolEffect;
  /** May run at the same time as other calls of one model answer. @default {false} */
  readonly parallelSafe?: boolean;
  /** Its own limit in milliseconds, where the agent's default does not fit. */
  readonly deadlineMs?: number;
  /** Where an agent has many tools, the model is shown this one only after it has searched for it. */
  readonly lazy?: true;
  /** Does nothing outside the process and shows nothing of others: allowed without being named. */
  readonly harmless?: true;
  /** Must not be used in a turn that holds untrusted text. */
  readonly dangerous?: true;
  /** The plugin that offers it: only agents with a binding on it have it. Absent: it belongs to no plugin. */
  readonly plugin?: string;
  /** Bad input is an `isError` result for the model, not a throw. */
  run(input: unknown, context: ToolContext): Promise<ToolResult>;
}

/** A result of one text. */
export function newTextResult(text: string, isError = false): ToolResult {
  return { content: [{ type: "text", text }], ...(isError ? { isError: true } : {}) };
}
