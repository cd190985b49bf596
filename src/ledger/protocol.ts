import type { ErrorRecord } from "../core/error.ts";
import type { Row, SqlValue } from "../core/ledger.ts";

/** One statement on its way to the writer: number of the SQL text, values, whether its rows are wanted. */
export type WireStatement = readonly [sql: number, values: readonly SqlValue[], returning: 0 | 1];

/** What the main isolate posts to the writer, as JSON text: SQL texts not seen before, then units in order. */
export interface WriterWork {
  readonly define: readonly (readonly [id: number, sql: string])[];
  readonly units: readonly (readonly WireStatement[])[];
}

/** Work, the wish that deleted rows leave the file, or that it be closed; no work may follow that. */
export type WriterRequest = WriterWork | "scrub" | "close";

/** What became of one unit. */
export type UnitOutcome = readonly (readonly Row[])[] | ErrorRecord;

/** What the writer posts back, as JSON text. */
export type WriterReply =
  | { readonly kind: "opened" }
  | { readonly kind: "closed" }
  /** `error` is null where all went well. */
  | { readonly kind: "scrubbed"; readonly error: ErrorRecord | null }
  | { readonly kind: "refused"; readonly error: ErrorRecord }
  /** Outcomes in the order of the units. */
  | { readonly kind: "applied"; readonly outcomes: readonly UnitOutcome[] };

/** What the writer is given at its start. */
export interface WriterStart {
  readonly path: string;
  readonly maxBytes: number | null;
}

/** What the main isolate posts to the reader, as JSON text. */
export interface ReaderRequest {
  readonly id: number;
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** What the reader posts back, as JSON text. */
export type ReaderReply =
  | { readonly id: number; readonly rows: readonly Row[] }
  | { readonly id: number; readonly error: ErrorRecord };
