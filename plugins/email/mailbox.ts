import { setTimeout as wait } from "node:timers/promises";
import type { MailboxObject, SearchObject } from "imapflow";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { PluginHost } from "../../src/core/plugin.ts";
import type { EmailConfig } from "./config.ts";
import { connectImap, type ImapAccess, type ImapConnection, toImapError } from "./imap.ts";
import type { MailIntake } from "./intake.ts";
import type { Cursor, Journal } from "./journal.ts";
import { parseMessageIds } from "./message_id.ts";
import { takeMail } from "./taking.ts";

/** What following a folder needs. */
export interface MailboxDeps {
  readonly host: Pick<PluginHost<EmailConfig>, "config" | "log" | "report" | "signal">;
  readonly access: ImapAccess;
  readonly journal: Journal;
  readonly intake: MailIntake;
  /** Called when a connection stands. */
  onConnected(): void;
  /** Called when a try to connect has ended, however it did. */
  onTried(): void;
}

const firstRetryMs = 500;
const maxRetryMs = 60_000;
/** Mails of the time before the first start whose ids are kept, should the folder be renumbered. */
const pastMails = 500;
const clockSkewMs = 300_000;
const dayMs = 86_400_000;

/** Hands over what comes into the folder until `host.signal` fires, over as many connections as it takes. Never rejects. */
export async function runMailbox(deps: MailboxDeps): Promise<void> {
  const { host, access } = deps;
  const { log, signal } = host;
  const identity = host.config.address;
  let failures = 0;
  while (!signal.aborted) {
    try {
      using connection = await connectImap(access, signal);
      const box = await openFolder(connection, deps);
      host.report({ state: "up", identity });
      if (failures > 0) log.info("email.connected", { failures });
      deps.onTried();
      deps.onConnected();
      await follow(deps, connection, box, () => failures = 0);
    } catch (thrown) {
      if (signal.aborted) break;
      const { message, retryAfterMs } = toImapError(thrown, access.server);
      host.report({ state: "degraded", reason: message, identity });
      if (failures === 0) log.warn("email.disconnected", { error: message });
      deps.onTried();
      const backoffMs = Math.min(firstRetryMs * 2 ** failures++, maxRetryMs);
      await sleep(retryAfterMs ?? backoffMs / 2 + Math.random() * backoffMs / 2, signal);
    }
  }
  deps.onTried();
}

async function openFolder({ client }: ImapConnection, { host, journal }: MailboxDeps): Promise<MailboxObject> {
  const { folder } = host.config;
  const box = await client.mailboxOpen(folder);
  const uidValidity = String(box.uidValidity);
  const cursor = journal.readCursor(folder);
  if (cursor === undefined) {
    journal.advance(folder, await findBeginning({ client }, box, { host, journal }));
  } else if (cursor.uidValidity !== uidValidity) {
    host.log.warn("email.renumbered", { folder });
    journal.advance(folder, { ...cursor, uidValidity, uid: 0, doubtfulUid: box.uidNext - 1 });
  }
  return box;
}

/** Answers begin now: what lies in the folder is past, but for `backfill` mails. */
async function findBeginning(
  { client }: Pick<ImapConnection, "client">,
  { uidNext, uidValidity, exists }: MailboxObject,
  { host, journal }: Pick<MailboxDeps, "host" | "journal">,
): Promise<Cursor> {
  const { backfill } = host.config;
  const uids = backfill === 0 ? [] : await client.search({ all: true }, { uid: true }) || [];
  const uid = backfill === 0 ? uidNext - 1 : uids.toSorted((a, b) => a - b).at(-1 - backfill) ?? 0;
  const past: string[] = [];
  if (exists > 0) {
    const from = Math.max(1, exists - pastMails - backfill + 1);
    for await (const mail of client.fetch(`${from}:*`, { uid: true, envelope: true })) {
      if (mail.uid <= uid) past.push(...parseMessageIds(mail.envelope?.messageId ?? ""));
    }
  }
  journal.addPast(past);
  return { uidValidity: String(uidValidity), uid, newestAtMs: Date.now() - clockSkewMs, doubtfulUid: 0 };
}

/** Takes what is there and what comes, until the connection ends. */
async function follow(
  deps: MailboxDeps,
  connection: ImapConnection,
  box: MailboxObject,
  onProgress: () => void,
): Promise<void> {
  const { client, closed } = connection;
  const { signal, config } = deps.host;
  let news = Promise.withResolvers<void>();
  const wake = () => news.resolve();
  client.on("exists", wake);
  closed.addEventListener("abort", wake);
  signal.addEventListener("abort", wake);
  try {
    while (!signal.aborted) {
      closed.throwIfAborted();
      // Before the search: what comes after it began is news again.
      news = Promise.withResolvers();
      await drain(deps, connection, String(box.uidValidity));
      onProgress();
      if (closed.aborted || signal.aborted) continue;
      const timer = setTimeout(wake, config.poll_seconds * 1_000);
      await news.promise;
      clearTimeout(timer);
    }
  } finally {
    signal.removeEventListener("abort", wake);
  }
}

async function drain(deps: MailboxDeps, connection: ImapConnection, uidValidity: string): Promise<void> {
  const { host, journal } = deps;
  const { folder } = host.config;
  const cursor = journal.readCursor(folder);
  if (cursor === undefined) throw new AppError("bug", `The journal has lost its place in ${folder}`);
  // Only this makes some servers look for new mail: RFC 3501, section 6.1.2.
  await connection.client.noop();
  const found = await connection.client.search(toQuery(cursor), { uid: true });
  if (!found) throw new AppError("unavailable", `The server does not search in ${folder}`);
  // `*` is the newest mail, also where it is older than what is asked for: RFC 3501, section 6.4.8.
  for (const uid of found.filter((one) => one > cursor.uid).toSorted((a, b) => a - b)) {
    host.signal.throwIfAborted();
    await takeMail(deps, connection.client, uidValidity, uid);
  }
}

/** Mails behind the cursor; of a folder that was made anew only those which may be news, for it may be large. */
function toQuery({ uid, doubtfulUid, newestAtMs }: Cursor): SearchObject {
  if (uid >= doubtfulUid) return { uid: `${uid + 1}:*` };
  // The server compares days, in a time zone of its own.
  const since = new Date(newestAtMs - 2 * dayMs);
  return { or: [{ uid: `${uid + 1}:${doubtfulUid}`, since }, { uid: `${doubtfulUid + 1}:*` }] };
}

/** Returns early when `signal` fires; the caller looks at it. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (thrown) {
    if (toAppError(thrown).kind !== "cancelled") throw thrown;
  }
}
