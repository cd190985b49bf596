import type { MessageStructureObject } from "imapflow";

/** A mail as it lies in the folder. */
export interface FetchedMail {
  readonly uid: number;
  readonly uidValidity: string;
  readonly sizeBytes: number;
  /** When the server got it, milliseconds since the epoch. */
  readonly arrivedAtMs: number;
  readonly structure: MessageStructureObject | undefined;
  /** Its first bytes: header and, as a rule, all of the text. */
  readonly source: Uint8Array;
}
