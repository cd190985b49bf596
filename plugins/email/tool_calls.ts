import type { FetchMessageObject, ImapFlow, SearchObject } from "imapflow";
import type { z } from "zod";
import { AppError } from "../../src/core/error.ts";
import type { PluginToolAnswerDraft, PluginToolCall } from "../../src/core/plugin_tool.ts";
import { newTextResult } from "../../src/core/tool.ts";
import { isAddress } from "./address.ts";
import { toAttachments } from "./attachments.ts";
import { type EmailConfig, toAuthservId } from "./config.ts";
import { findConversation } from "./conversation.ts";
import { connectImap, type ImapAccess, toImapError } from "./imap.ts";
import type { Journal } from "./journal.ts";
import { type Mail, parseMail, toLine } from "./mail.ts";
import { type MailHandle, parseMailHandle, toMailHandle } from "./mail_handle.ts";
import { toSentId } from "./outbound.ts";
import { toConversation } from "./thread.ts";
import { isEmailTool, toolInputs } from "./tools.ts";
import { toVerdict } from "./verdict.ts";

/** What the tools need. */
export interface ToolDeps {
  readonly config: EmailConfig;
  readonly access: ImapAccess;
  readonly journal: Journal;
}

/** Bytes of a mail that are read for its header and text. */
const sourceBytes = 1_000_000;

type Input<N extends keyof typeof toolInputs> = z.output<(typeof toolInputs)[N]>;

/**
 * Runs a tool for an agent.
 *
 * @throws {AppError} `unavailable` while the server is; `missing` for a tool that there is not.
 */
export async function runEmailTool(
  deps: ToolDeps,
  { name, input, key }: PluginToolCall,
  signal: AbortSignal,
): Promise<PluginToolAnswerDraft> {
  if (!isEmailTool(name)) throw new AppError("missing", `Mail has no tool ${name}`);
  try {
    switch (name) {
      case "email_search":
        return await search(deps, toolInputs[name].parse(input), signal);
      case "email_read":
        return await read(deps, toolInputs[name].parse(input), signal);
      case "email_reply":
        return await reply(deps, toolInputs[name].parse(input), signal);
      case "email_send":
        return send(deps, toolInputs[name].parse(input), key);
      case "email_move":
        return await move(deps, toolInputs[name].parse(input), signal);
      case "email_flag":
        return await flag(deps, toolInputs[name].parse(input), signal);
    }
  } catch (thrown) {
    if (thrown instanceof AppError && (thrown.kind === "missing" || thrown.kind === "invalid")) {
      return refuse(thrown.message);
    }
    throw thrown;
  }
}

function refuse(text: string): PluginToolAnswerDraft {
  return { content: [{ type: "text", text }], isError: true };
}

function say(text: string): PluginToolAnswerDraft {
  return { content: [...newTextResult(text).content] };
}

async function search(deps: ToolDeps, input: Input<"email_search">, signal: AbortSignal) {
  const { folder = deps.config.folder, limit } = input;
  return await inFolder(deps, folder, signal, async (client, uidValidity) => {
    const found = await client.search(toQuery(input), { uid: true }) || [];
    const newest = found.toSorted((a, b) => b - a).slice(0, limit);
    const shown: ReturnType<typeof toListed>[] = [];
    if (newest.length > 0) {
      const wanted = { uid: true, envelope: true, flags: true, size: true } as const;
      for await (const mail of client.fetch(newest.join(","), wanted, { uid: true })) {
        shown.push(toListed(mail, { folder, uidValidity, uid: mail.uid }));
      }
    }
    const mails = shown.toSorted((a, b) => newest.indexOf(a.uid) - newest.indexOf(b.uid)).map(({ listed }) => listed);
    return {
      content: [{ type: "json" as const, value: { mails, found: found.length } }],
      untrusted: true,
    };
  });
}

function toQuery({ from, to, subject, text, since, before, unread }: Input<"email_search">): SearchObject {
  return {
    all: true,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(subject === undefined ? {} : { subject }),
    ...(text === undefined ? {} : { text }),
    ...(since === undefined ? {} : { since: new Date(since) }),
    ...(before === undefined ? {} : { before: new Date(before) }),
    ...(unread === undefined ? {} : { seen: !unread }),
  };
}

function toListed({ envelope, flags, size }: FetchMessageObject, handle: MailHandle) {
  const people = (list: typeof envelope extends undefined ? never : NonNullable<typeof envelope>["from"]) =>
    (list ?? []).slice(0, 10).map(({ name, address }) => toLine(name ? `${name} <${address ?? ""}>` : address ?? ""));
  return {
    uid: handle.uid,
    listed: {
      id: toMailHandle(handle),
      from: people(envelope?.from).join(", "),
      to: people(envelope?.to).join(", "),
      subject: toLine(envelope?.subject ?? "").slice(0, 300),
      ...(envelope?.date instanceof Date ? { date: envelope.date.toISOString() } : {}),
      unread: !flags?.has("\\Seen"),
      flagged: flags?.has("\\Flagged") ?? false,
      sizeBytes: size,
    },
  };
}

async function read(deps: ToolDeps, { id }: Input<"email_read">, signal: AbortSignal) {
  const { mail, attachments } = await fetchMail(deps, id, signal);
  const verdict = toVerdict(mail, toAuthservId(deps.config));
  const value = {
    id,
    from: mail.from === undefined ? "" : `${mail.from.name ?? ""} <${mail.from.address}>`.trim(),
    to: mail.header("to").map(toLine).join(", ").slice(0, 2_000),
    subject: mail.subject,
    ...(mail.sentAtMs === undefined ? {} : { date: new Date(mail.sentAtMs).toISOString() }),
    sender: verdict.text,
    attachments: attachments.map(({ name, mimeType }) => ({ name, mimeType })),
    text: mail.text,
  };
  return { content: [{ type: "json" as const, value }], untrusted: true };
}

/** Notes the mail, so that the answer finds its thread, and hands the answer over. */
async function reply(deps: ToolDeps, { id, text }: Input<"email_reply">, signal: AbortSignal) {
  const { mail } = await fetchMail(deps, id, signal);
  if (mail.from === undefined) return refuse("The mail does not say who wrote it, so it cannot be answered");
  const { address, name } = mail.from;
  if (address === deps.config.address) return refuse("You wrote this mail yourself");
  const { conversation } = findConversation(deps.journal, mail, address);
  const { id: messageId, subject, parents } = mail;
  deps.journal.learn({ id: messageId, conversation, address, subject, parents, kind: "in" });
  return {
    send: {
      conversation,
      recipient: { id: address, ...(name === undefined ? {} : { name }) },
      isAnswer: true,
      inReplyTo: [messageId],
      text,
    },
  };
}

function send({ config }: ToolDeps, { to, subject, text }: Input<"email_send">, key: string): PluginToolAnswerDraft {
  const address = to.trim().toLowerCase();
  if (!isAddress(address)) return refuse(`"${to}" is not one mail address, such as bob@example.org`);
  if (address === config.address) return refuse("This is your own address");
  return {
    send: {
      conversation: toConversation(address, toSentId(config.address, key)),
      recipient: { id: address },
      isNew: true,
      subject,
      text,
    },
  };
}

async function move(deps: ToolDeps, { id, folder }: Input<"email_move">, signal: AbortSignal) {
  const handle = toHandle(id);
  return await inFolder(deps, handle.folder, signal, async (client, uidValidity) => {
    const folders = (await client.list()).map(({ path }) => path);
    if (!folders.includes(folder)) return refuse(`There is no folder "${folder}". There are: ${folders.join(", ")}`);
    // Without these, taking the mail out of its folder would take every mail that is marked as deleted with it.
    if (!client.capabilities.has("MOVE") && !client.capabilities.has("UIDPLUS")) {
      return refuse("The server cannot move a single mail");
    }
    if (!await isThere(client, uidValidity, handle)) return refuse(goneText);
    await client.messageMove(String(handle.uid), folder, { uid: true });
    return say(`Moved to ${folder}`);
  });
}

async function flag(deps: ToolDeps, { id, flag }: Input<"email_flag">, signal: AbortSignal) {
  const handle = toHandle(id);
  return await inFolder(deps, handle.folder, signal, async (client, uidValidity) => {
    if (!await isThere(client, uidValidity, handle)) return refuse(goneText);
    const [uid, how] = [String(handle.uid), { uid: true }];
    const name = flag === "read" || flag === "unread" ? "\\Seen" : "\\Flagged";
    if (flag === "read" || flag === "flagged") await client.messageFlagsAdd(uid, [name], how);
    else await client.messageFlagsRemove(uid, [name], how);
    return say(`Marked as ${flag}`);
  });
}

const goneText = "This mail is not there any more: it was moved or deleted. Search for it again";

function toHandle(id: string): MailHandle {
  const handle = parseMailHandle(id);
  if (handle === undefined) throw new AppError("invalid", `"${id}" is no id of a mail. Take one from email_search`);
  return handle;
}

async function isThere(client: ImapFlow, uidValidity: string, handle: MailHandle): Promise<boolean> {
  if (uidValidity !== handle.uidValidity) return false;
  const found = await client.search({ uid: String(handle.uid) }, { uid: true });
  return found !== false && found !== undefined && found.length > 0;
}

async function fetchMail(deps: ToolDeps, id: string, signal: AbortSignal) {
  const { folder, uidValidity, uid } = toHandle(id);
  return await inFolder(deps, folder, signal, async (client, current) => {
    const fetched = uidValidity === current && await client.fetchOne(String(uid), {
      uid: true,
      bodyStructure: true,
      source: { start: 0, maxLength: sourceBytes },
    }, { uid: true });
    if (!fetched || fetched.source === undefined) throw new AppError("missing", goneText);
    const { source, bodyStructure: structure } = fetched;
    const mail: Mail = await parseMail(source);
    return { mail, attachments: toAttachments({ mail, source, structure, uid, uidValidity }) };
  });
}

/** Opens a folder on a connection of its own. @throws {AppError} `unavailable`, `missing` */
async function inFolder<T>(
  { access }: ToolDeps,
  folder: string,
  signal: AbortSignal,
  work: (client: ImapFlow, uidValidity: string) => Promise<T>,
): Promise<T> {
  using connection = await connectImap(access, signal);
  const { client } = connection;
  try {
    const folders = (await client.list()).map(({ path }) => path);
    if (!folders.includes(folder)) {
      throw new AppError("missing", `There is no folder "${folder}". There are: ${folders.join(", ")}`);
    }
    const box = await client.mailboxOpen(folder);
    return await work(client, String(box.uidValidity));
  } catch (thrown) {
    throw toImapError(thrown, access.server);
  }
}
