import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { FakeBotApi } from "../fixtures/fake_bot_api.ts";

/** Texts that people wrote in chats, each with a mark by which its answer is known. */
export interface Chats {
  /** Writes the next text of a chat: its mark, then `text`. Gives the mark. */
  write(chat: number, text?: string): string;
  /** Resolves when every text so far has at least one answer. */
  answered(signal: AbortSignal): Promise<void>;
  /**
   * Checks what the provider was sent, and that the ledger of a stopped process has nothing left to do: every text
   * answered once, in order per chat, nothing extra, and as many dead letters as are expected (none by default). A send
   * that the ledger flags `unknown` may stand twice.
   */
  check(dataDir: string, deadLetters?: number): void;
}

/** Chats with the bot of `telegram`. */
export function newChats(telegram: FakeBotApi): Chats {
  const written = new Map<number, string[]>();
  return {
    write(chat, text = "") {
      const marks = written.get(chat) ?? [];
      const mark = `q${chat}x${marks.length + 1}z`;
      marks.push(mark);
      written.set(chat, marks);
      telegram.inject({ chat, text: text === "" ? mark : `${mark}\n${text}` });
      return mark;
    },
    async answered(signal) {
      for (const mark of [...written.values()].flat()) {
        await telegram.nextSent(({ text }) => text.includes(mark), signal);
      }
    },
    check(dataDir, deadLetters = 0) {
      const unknown = checkLedger(dataDir, deadLetters);
      for (const [chat, marks] of written) {
        const answers = telegram.sent.filter(({ chatId }) => chatId === chat).map(({ text }) => markOf(text));
        const once = answers.filter((mark, index) => mark !== answers[index - 1] || !unknown.has(mark));
        assert.deepEqual(once, marks, `answers in chat ${chat}`);
      }
      const strangers = telegram.sent.filter(({ chatId }) => !written.has(chatId));
      assert.deepEqual(strangers, [], "messages to chats that nobody wrote in");
    },
  };
}

/** Marks of the sends that a stopped process's ledger flags `unknown`. Fails where anything is left to do, or dead. */
export function checkLedger(dataDir: string, deadLetters = 0): ReadonlySet<string> {
  const ledger = new DatabaseSync(`${dataDir}/ledger.db`);
  try {
    const count = (sql: string) => ledger.prepare(sql).all().length;
    assert.equal(count("SELECT id FROM inbox WHERE state = 'ready'"), 0, "messages not answered");
    assert.equal(count("SELECT id FROM turns WHERE state = 'running'"), 0, "turns not ended");
    assert.equal(count("SELECT id FROM outbox WHERE state IN ('queued', 'sending')"), 0, "replies not sent");
    assert.equal(count("SELECT id FROM dead"), deadLetters, "dead letters");
    return new Set(
      ledger.prepare("SELECT body FROM outbox WHERE unknown = 1").all().map(({ body }) => markOf(String(body))),
    );
  } finally {
    ledger.close();
  }
}

/** The mark in a text. */
export function markOf(text: string): string {
  return /q-?\d+x\d+z/.exec(text)?.[0] ?? text;
}
