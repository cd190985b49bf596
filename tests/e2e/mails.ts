import assert from "node:assert/strict";
import { newMail } from "../email/mail_room.ts";
import type { MailServers } from "../email/mail_room.ts";
import { checkLedger, markOf } from "./chats.ts";

/** Mails that people wrote in threads, each with a mark by which its answer is known. */
export interface Mails {
  /** Writes the next mail of a thread: its mark, then `text`. Gives the mark. */
  write(thread: number, text?: string): string;
  /** Resolves when every mail so far has at least one answer. */
  answered(signal: AbortSignal): Promise<void>;
  /**
   * Checks what the SMTP server was given, and that the ledger of a stopped process has nothing left to do: every mail
   * answered once, as a reply to it, in order per thread, nothing extra. A send that the ledger flags `unknown` may
   * have come twice.
   */
  check(dataDir: string): void;
}

/** Threads of one person each with the account of `servers`. */
export function newMails({ imap, smtp }: MailServers): Mails {
  const written = new Map<number, string[]>();
  const person = (thread: number) => `p${thread}@people.test`;
  const idOf = (mark: string) => `${mark}@people.test`;
  return {
    write(thread, text = "") {
      const marks = written.get(thread) ?? [];
      const mark = `q${thread}x${marks.length + 1}z`;
      const references = marks.map(idOf);
      marks.push(mark);
      written.set(thread, marks);
      imap.deliver(newMail({
        from: person(thread),
        id: idOf(mark),
        subject: `${references.length > 0 ? "Re: " : ""}matter ${thread}`,
        references: references.slice(0, 1),
        text: text === "" ? mark : `${mark}\n${text}`,
      }));
      return mark;
    },
    async answered(signal) {
      for (const mark of [...written.values()].flat()) {
        await smtp.nextSent(({ mail }) => mail.text?.includes(mark) ?? false, signal);
      }
    },
    check(dataDir) {
      const unknown = checkLedger(dataDir);
      for (const [thread, marks] of written) {
        const answers = smtp.sent.filter(({ to }) => to === person(thread));
        for (const { mail } of answers) {
          assert.equal(mail.inReplyTo, `<${idOf(markOf(mail.text ?? ""))}>`, "an answer that replies to another mail");
          assert.ok(mail.references?.includes(`<${idOf(marks[0] ?? "")}>`), "an answer outside of its thread");
          assert.equal(mail.subject, `Re: matter ${thread}`);
        }
        const texts = answers.map(({ mail }) => markOf(mail.text ?? ""));
        const once = texts.filter((mark, index) => mark !== texts[index - 1] || !unknown.has(mark));
        assert.deepEqual(once, marks, `answers in thread ${thread}`);
      }
      const strangers = smtp.sent.filter(({ to }) => ![...written.keys()].map(person).includes(to));
      assert.deepEqual(strangers.map(({ to }) => to), [], "mails to people who wrote none");
    },
  };
}
