import assert from "node:assert/strict";
import { type Journal, openJournal } from "../../plugins/email/journal.ts";

/** Runs `work` on a journal, and `then` on the one that the next process opens. */
async function reopen(work: (journal: Journal) => void, then: (journal: Journal) => void): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "nexo-journal-" });
  try {
    for (const step of [work, then]) {
      using journal = openJournal(`${dir}/journal.db`);
      step(journal);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const mail = {
  id: "1@p.test",
  conversation: "bob@p.test/0",
  address: "bob@p.test",
  subject: "Re: it",
  parents: ["0@p.test"],
  kind: "in",
} as const;

Deno.test("tries to read a mail are counted across restarts, and for each mail anew", async () => {
  await reopen((journal) => {
    assert.deepEqual([journal.countTry("INBOX", 7), journal.countTry("INBOX", 7)], [1, 2]);
  }, (journal) => {
    assert.equal(journal.countTry("INBOX", 7), 3);
    assert.equal(journal.countTry("INBOX", 8), 1);
    journal.clearTries("INBOX");
    assert.equal(journal.countTry("INBOX", 8), 1);
  });
});

Deno.test("a mail is taken from the moment on at which the cursor passes it, and is known before", async () => {
  const cursor = { uidValidity: "1", uid: 7, newestAtMs: 5, doubtfulUid: 0 };
  await reopen((journal) => {
    journal.add(mail);
    assert.equal(journal.isTaken(mail.id), false);
    journal.advance("INBOX", cursor, mail.id);
  }, (journal) => {
    assert.equal(journal.isTaken(mail.id), true);
    assert.deepEqual(journal.find(mail.id), mail);
    assert.deepEqual(journal.readCursor("INBOX"), cursor);
    assert.equal(journal.findBySubject(mail.address, "it"), mail.conversation);
    assert.deepEqual(journal.findNewest(mail.conversation), mail);
  });
});

Deno.test("what was sent is found by its key, its copy waits until it is made, and a bounce is new once", async () => {
  const sent = { ...mail, id: "s@a.test", kind: "out" } as const;
  await reopen((journal) => {
    assert.deepEqual([journal.countSendTry("k"), journal.countSendTry("k")], [1, 2]);
    assert.equal(journal.findSent("k"), undefined);
    journal.addSent("k", sent, new Uint8Array([1]));
  }, (journal) => {
    assert.equal(journal.findSent("k"), sent.id);
    assert.equal(journal.countSent(mail.conversation, 0), 1);
    assert.deepEqual(journal.pendingCopies(), [{ id: sent.id, raw: new Uint8Array([1]) }]);
    journal.dropCopy(sent.id);
    assert.deepEqual(journal.pendingCopies(), []);
    assert.deepEqual([journal.addBounce(sent.id), journal.addBounce(sent.id)], [true, false]);
  });
});
