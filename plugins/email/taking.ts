import type { ImapFlow } from "imapflow";
import { AppError } from "../../src/core/error.ts";
import type { PluginHost } from "../../src/core/plugin.ts";
import type { EmailConfig } from "./config.ts";
import type { FetchedMail } from "./fetched_mail.ts";
import type { MailIntake, Taken } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { type Mail, parseMail } from "./mail.ts";

/** What taking a mail needs. */
export interface TakingDeps {
  readonly host: Pick<PluginHost<EmailConfig>, "config" | "log" | "signal">;
  readonly journal: Journal;
  readonly intake: MailIntake;
}

/** Bytes of a mail that are read for its header and text. */
const sourceBytes = 1_000_000;
/** A mail whose reading ended the connection, or the worker, this often is left where it is. */
const maxTries = 5;
const dayMs = 86_400_000;

interface Read {
  readonly fetched: FetchedMail;
  /** When the server got it, milliseconds since the epoch. */
  readonly arrivedAtMs: number;
}

/**
 * Brings one mail of the open folder to its end: the runtime has it, it is passed over, or it is set aside with a flag.
 * Only then the cursor moves.
 *
 * @throws {AppError} `unavailable` when the connection broke; the mail is taken again then.
 */
export async function takeMail(
  { host, journal, intake }: TakingDeps,
  client: ImapFlow,
  uidValidity: string,
  uid: number,
): Promise<void> {
  const { config, log, signal } = host;
  const { folder } = config;
  const cursor = journal.readCursor(folder);
  if (cursor === undefined) throw new AppError("bug", `The journal has lost its place in ${folder}`);
  const read = journal.countTry(folder, uid) > maxTries
    ? { outcome: "quarantined", reason: "breaks_reading" } as const
    : await readMail(client, uid, uidValidity, config.max_mail_bytes);
  journal.clearTries(folder);
  let taken: Taken;
  let newestAtMs = cursor.newestAtMs;
  if ("fetched" in read) {
    const isPast = uid <= cursor.doubtfulUid && isFromBefore(read.fetched.mail, read.arrivedAtMs, newestAtMs);
    taken = await intake.take(read.fetched, isPast, signal);
    newestAtMs = Math.max(newestAtMs, read.arrivedAtMs);
  } else {
    taken = read;
  }
  journal.advance(folder, { ...cursor, uid, newestAtMs }, taken.outcome === "quarantined" ? undefined : taken.id);
  switch (taken.outcome) {
    case "taken":
      if (config.mark_seen) await client.messageFlagsAdd(String(uid), ["\\Seen"], { uid: true });
      return;
    case "ignored":
      return log.info("email.ignored", { uid, reason: taken.reason });
    case "quarantined":
      log.warn("email.quarantined", { uid, reason: taken.reason });
      await client.messageFlagsAdd(String(uid), ["\\Flagged"], { uid: true });
  }
}

async function readMail(client: ImapFlow, uid: number, uidValidity: string, maxBytes: number): Promise<Read | Taken> {
  const info = await client.fetchOne(String(uid), { uid: true, size: true }, { uid: true });
  if (info && (info.size ?? 0) > maxBytes) return { outcome: "quarantined", reason: "too_large" };
  const message = info && await client.fetchOne(String(uid), {
    uid: true,
    internalDate: true,
    bodyStructure: true,
    source: { start: 0, maxLength: sourceBytes },
  }, { uid: true });
  // Somebody deleted it meanwhile: there is nothing to hand over.
  if (!message) return { outcome: "ignored", id: undefined, reason: "deleted" };
  const source = message.source ?? new Uint8Array();
  try {
    const fetched = { mail: await parseMail(source), source, uid, uidValidity, structure: message.bodyStructure };
    return { fetched, arrivedAtMs: new Date(message.internalDate ?? 0).getTime() };
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.kind === "invalid") {
      return { outcome: "quarantined", reason: "not_a_mail" };
    }
    throw thrown;
  }
}

/** A folder that was made anew has the mails of the old one: by its time of arrival, or of sending, a mail is no news. */
function isFromBefore({ sentAtMs }: Mail, arrivedAtMs: number, newestAtMs: number): boolean {
  return arrivedAtMs < newestAtMs || (sentAtMs ?? newestAtMs) < newestAtMs - dayMs;
}
