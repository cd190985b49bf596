import type { ErrorRecord } from "../core/error.ts";
import type { Workspace } from "../core/workspace.ts";

/** File in `.git` that names a commit while it is carried out. */
export const pendingName = "nexo-pending";

/** What can be asked of a workspace. */
export type Method = keyof Workspace;

/** One question to the worker. */
export interface WorkspaceRequest {
  readonly id: number;
  /** Real path: two agents may share a folder under two names. */
  readonly folder: string;
  /** Values that must not come into the history. */
  readonly secrets: readonly string[];
  readonly method: Method;
  readonly args: readonly unknown[];
}

/** What the worker says: that it listens, or what came of one question. */
export type WorkspaceReply =
  | "ready"
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorRecord };
