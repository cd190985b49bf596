import type { MessageStructureObject } from "imapflow";
import type { Mail } from "./mail.ts";

/** A mail as it lies in the folder. */
export interface FetchedMail {
  readonly mail: Mail;
  /** Its first bytes: header and, as a rule, all of the text. */
  readonly source: Uint8Array;
  /** Its parts, as the server tells them. */
  readonly structure: MessageStructureObject | undefined;
  readonly uid: number;
  readonly uidValidity: string;
}
