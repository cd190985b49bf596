import type { ErrorRecord } from "../core/error.ts";
import type { ListQuery, NewFact, Viewer } from "../core/memory.ts";
import type { FileQuery, RowVector } from "./fact_file.ts";

/** What the memory worker is started with. */
export interface MemoryStart {
  /** Folder with one folder an agent. */
  readonly folder: string;
  /** Path of the sqlite-vec library; absent: it cannot be loaded here. */
  readonly vectorLibrary: string | undefined;
  readonly maxFacts: number;
  readonly maxBytes: number;
  /** A file that nobody asked for so long is closed, milliseconds. */
  readonly idleMs: number;
}

/** What one agent's file is asked. */
export type FileCall =
  | { readonly method: "remember"; readonly fact: NewFact; readonly viewer: Viewer; readonly id: string; nowMs: number }
  | { readonly method: "recall"; readonly query: FileQuery; readonly viewer: Viewer; readonly nowMs: number }
  | { readonly method: "list"; readonly query: ListQuery; readonly viewer: Viewer }
  | { readonly method: "find"; readonly id: string; readonly viewer: Viewer }
  | { readonly method: "forget"; readonly ids: readonly string[]; readonly viewer: Viewer }
  | { readonly method: "forgetPerson"; readonly person: string }
  | { readonly method: "restore"; readonly id: string }
  | { readonly method: "duplicates"; readonly limit: number }
  | { readonly method: "weigh"; readonly weights: readonly { readonly id: string; readonly importance: number }[] }
  | { readonly method: "pending"; readonly model: string; readonly limit: number }
  | { readonly method: "putVectors"; readonly model: string; readonly vectors: readonly RowVector[] };

/** What the main isolate says to the memory worker. */
export type MemoryRequest =
  | { readonly type: "start"; readonly start: MemoryStart }
  | { readonly type: "call"; readonly id: number; readonly agent: string; readonly call: FileCall }
  /** Names of agents that have a file. */
  | { readonly type: "agents"; readonly id: number }
  | { readonly type: "ping" }
  | { readonly type: "close" };

/** What the memory worker says. */
export type MemoryReply =
  /** `vectorFault`: why vectors cannot be searched here. */
  | { readonly type: "ready"; readonly vectorFault: string | undefined }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "refused"; readonly id: number; readonly error: ErrorRecord }
  /** A damaged file was renamed to `movedTo`, and the agent has a new one. */
  | { readonly type: "damaged"; readonly agent: string; readonly movedTo: string; readonly reason: string }
  /** What recalls have counted could not be written; it is tried again. */
  | { readonly type: "trouble"; readonly agent: string; readonly error: ErrorRecord }
  /** How many files are open. */
  | { readonly type: "pong"; readonly open: number }
  | { readonly type: "closed" };
