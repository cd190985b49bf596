import { setTimeout as wait } from "node:timers/promises";
import { errorKinds, toAppError } from "../../src/core/error.ts";
import type { Inbound } from "../../src/core/message.ts";
import type { PluginHost } from "../../src/core/plugin.ts";
import { toAttachments } from "./attachments.ts";
import { type Bounce, toBounce } from "./bounce.ts";
import { type EmailConfig, toAuthservId } from "./config.ts";
import { findConversation } from "./conversation.ts";
import type { FetchedMail } from "./fetched_mail.ts";
import type { Journal, KnownMail } from "./journal.ts";
import type { Mail } from "./mail.ts";
import { findNoise } from "./noise.ts";
import { splitQuotedTail } from "./quote.ts";
import { toVerdict } from "./verdict.ts";

/** What became of a mail. */
export type Taken =
  | { readonly outcome: "taken"; readonly id: string }
  /** Without an id where it was gone before it was read. */
  | { readonly outcome: "ignored"; readonly id: string | undefined; readonly reason: string }
  | { readonly outcome: "quarantined"; readonly reason: string };

/** Hands mails to the runtime. */
export interface MailIntake {
  /**
   * Resolves when the runtime has the mail, or shall never get it.
   *
   * @param isPast Whether the mail is from before the folder was renumbered, by all that the folder tells.
   * @throws the signal's reason when it fires first.
   */
  take(fetched: FetchedMail, isPast: boolean, signal: AbortSignal): Promise<Taken>;
}

/** A mail that the runtime cannot take for another reason than being busy is given up after this many tries. */
const maxFaultyTries = 5;
const firstRetryMs = 250;
const maxRetryMs = 10_000;

/** Makes the {@linkcode MailIntake} of an account. */
export function newMailIntake(
  host: Pick<PluginHost<EmailConfig>, "config" | "receive">,
  journal: Journal,
): MailIntake {
  const { config } = host;
  const authservId = toAuthservId(config);

  /** Whether the runtime took it; `false` where it never will. */
  async function give(message: Inbound, signal: AbortSignal): Promise<boolean> {
    for (let tries = 1, faults = 0;; tries++) {
      signal.throwIfAborted();
      try {
        await host.receive(message);
        return true;
      } catch (thrown) {
        const { kind, retryAfterMs } = toAppError(thrown);
        if (kind === "invalid") return false;
        if (kind === "cancelled") throw thrown;
        if (!errorKinds[kind].retry && ++faults === maxFaultyTries) return false;
        await wait(retryAfterMs ?? Math.min(firstRetryMs * 2 ** (tries - 1), maxRetryMs), undefined, { signal });
      }
    }
  }

  async function handOver(mail: Mail, known: KnownMail, message: Inbound, signal: AbortSignal): Promise<Taken> {
    journal.add(known);
    if (await give(message, signal)) return { outcome: "taken", id: mail.id };
    return { outcome: "quarantined", reason: "refused_by_runtime" };
  }

  /** A report goes to the session that sent the mail; what the agent says to it goes nowhere. */
  async function takeBounce(mail: Mail, bounce: Bounce, signal: AbortSignal): Promise<Taken> {
    const sent = bounce.ids.map((id) => journal.find(id)).find((known) => known?.kind === "out");
    if (sent === undefined) return { outcome: "ignored", id: mail.id, reason: "bounce_of_other_mail" };
    if (bounce.action !== "failed") {
      return { outcome: "ignored", id: mail.id, reason: `bounce_${toWord(bounce.action)}` };
    }
    if (journal.find(mail.id) === undefined && !journal.addBounce(sent.id)) {
      return { outcome: "ignored", id: mail.id, reason: "bounce_known" };
    }
    const { conversation, address } = sent;
    return await handOver(mail, { ...sent, id: mail.id, kind: "report" }, {
      conversation,
      providerMessageId: mail.id,
      sender: { id: address, name: "Mail delivery" },
      text:
        `[Your mail "${sent.subject}" to ${address} could not be delivered. The mail server says: ${bounce.reason}. ` +
        "Nobody reads an answer to this report.]",
      attachments: [],
      isGroup: false,
      mentionsMe: false,
      untrusted: true,
    }, signal);
  }

  async function takeMessage(
    mail: Mail,
    from: NonNullable<Mail["from"]>,
    fetched: FetchedMail,
    signal: AbortSignal,
  ): Promise<Taken> {
    const { conversation, isContinued } = findConversation(journal, mail, from.address);
    const verdict = toVerdict(mail, authservId);
    const attachments = toAttachments(fetched);
    const { text, quotedTail } = isContinued ? splitQuotedTail(mail.text) : { text: mail.text.trim() };
    const known = { id: mail.id, conversation, address: from.address, subject: mail.subject, parents: mail.parents };
    return await handOver(mail, { ...known, kind: "in" }, {
      conversation,
      providerMessageId: mail.id,
      sender: { id: from.address, ...(from.name === undefined ? {} : { name: from.name }) },
      heading: [
        `From: ${from.name === undefined ? from.address : `${from.name} <${from.address}>`}`,
        `Subject: ${mail.subject}`,
        `Sender: ${verdict.text}`,
      ].join("\n"),
      untrusted: !verdict.verified,
      // Some mails say everything in their subject.
      text: text === "" && attachments.length === 0 ? mail.subject || "[The mail is empty]" : text,
      ...(quotedTail === undefined ? {} : { quotedTail }),
      attachments: [...attachments],
      isGroup: false,
      mentionsMe: false,
      ...(mail.sentAtMs === undefined ? {} : { sentAt: new Date(mail.sentAtMs).toISOString() }),
    }, signal);
  }

  return {
    async take(fetched, isPast, signal) {
      const { mail } = fetched;
      const { id } = mail;
      if (journal.isTaken(id)) return { outcome: "ignored", id, reason: "known" };
      if (isPast) return { outcome: "ignored", id, reason: "from_before" };
      const bounce = toBounce(mail, fetched.source);
      if (bounce !== undefined) return await takeBounce(mail, bounce, signal);
      const reason = findNoise(mail, config);
      if (reason !== undefined || mail.from === undefined) {
        return { outcome: "ignored", id, reason: reason ?? "no_single_author" };
      }
      return await takeMessage(mail, mail.from, fetched, signal);
    },
  };
}

function toWord(text: string): string {
  return text.replace(/[^a-z]+/g, "_").slice(0, 30);
}
