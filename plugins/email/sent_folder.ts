import { toAppError } from "../../src/core/error.ts";
import type { Log } from "../../src/core/log.ts";
import type { ImapFlow } from "imapflow";
import { connectImap, type ImapAccess, toImapError } from "./imap.ts";
import type { Journal } from "./journal.ts";

/** The folder with what was sent. */
export interface SentFolder extends AsyncDisposable {
  /** Whether the mail `id` lies in it. @throws {AppError} `unavailable` */
  has(id: string, signal: AbortSignal): Promise<boolean>;
  /** Begins to put pending copies into it, where that is not under way already. */
  copy(): void;
}

/** What the Sent folder needs. */
export interface SentFolderDeps {
  readonly access: ImapAccess;
  readonly journal: Journal;
  readonly log: Log;
  /** Name of the folder; `auto`: the one that the server calls so. */
  readonly name: string;
}

/** Opens the Sent folder. Each use has a connection of its own: the other one must stay with the folder it follows. */
export function openSentFolder({ access, journal, log, name }: SentFolderDeps): SentFolder {
  const closing = new AbortController();
  let copying: Promise<void> | undefined;

  async function copyAll(): Promise<void> {
    let pending = journal.pendingCopies();
    if (pending.length === 0) return;
    try {
      using connection = await connectImap(access, closing.signal);
      const { client } = connection;
      const path = await open(client, name);
      for (; pending.length > 0; pending = journal.pendingCopies()) {
        for (const { id, raw } of pending) {
          // A copy may have been made by a process that died before it could note so.
          if (path !== undefined && !await contains(client, id)) await client.append(path, raw, ["\\Seen"]);
          journal.dropCopy(id);
        }
      }
      if (path === undefined) log.warn("email.no_sent_folder", {});
    } catch (thrown) {
      if (!closing.signal.aborted) log.warn("email.copy_failed", { error: toAppError(thrown).message });
    }
  }

  return {
    async has(id, signal) {
      try {
        using connection = await connectImap(access, AbortSignal.any([signal, closing.signal]));
        return await open(connection.client, name) !== undefined && await contains(connection.client, id);
      } catch (thrown) {
        signal.throwIfAborted();
        throw toImapError(thrown, access.server);
      }
    },
    copy() {
      copying ??= copyAll().finally(() => copying = undefined);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await copying;
    },
  };
}

/** Selects the folder and gives its path; `undefined` where there is none. */
async function open(client: ImapFlow, name: string): Promise<string | undefined> {
  const folders = await client.list();
  const folder = name === "auto"
    ? folders.find(({ specialUse }) => specialUse === "\\Sent")
    : folders.find(({ path }) => path === name);
  if (folder !== undefined) await client.mailboxOpen(folder.path);
  return folder?.path;
}

async function contains(client: ImapFlow, id: string): Promise<boolean> {
  const found = await client.search({ header: { "message-id": `<${id}>` } }, { uid: true });
  return found !== false && found !== undefined && found.length > 0;
}
