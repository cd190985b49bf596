import assert from "node:assert/strict";
import type { Ledger } from "../../src/core/ledger.ts";
import { outboundSchema } from "../../src/core/message.ts";
import { type SessionKey, toSessionId } from "../../src/core/session.ts";
import { writeDeadLetter } from "../../src/ledger/dead.ts";
import { findMessage } from "../../src/ledger/find.ts";
import { acceptEvent, claimEvent, finishEvent } from "../../src/ledger/inbox.ts";
import { markSent, queueMessage } from "../../src/ledger/outbox.ts";
import { sweepFinished } from "../../src/ledger/queues.ts";
import { appendEntry, touchSession } from "../../src/ledger/sessions.ts";
import { newTestEvent, openLedgerFolder, openTestLedger } from "./opening.ts";

const place = { plugin: "telegram", instance: "sales" };
const session: SessionKey = { agent: "ana", ...place, conversation: "4711" };
const sessionId = toSessionId(session);

/** A message with the id 17 that turn t1 answers by two parts, and one that was refused. */
async function fill(ledger: Ledger): Promise<void> {
  const payload = { ...place, message: { text: "Where is my parcel?" } };
  const reply = outboundSchema.parse({ key: "t1:reply", conversation: "4711", sessionId, turnId: "t1", text: "Here" });
  const keyOf = (messageId: string) => ({ ...place, conversation: "4711", messageId });
  const event = (id: string) => newTestEvent(id, "plugin.inbound.telegram.sales", payload);
  await ledger.commit([
    acceptEvent("agents.inbound", event("e1"), keyOf("17"), 1_000),
    acceptEvent("agents.inbound", event("e2"), keyOf("18"), 2_000),
    {
      sql:
        `INSERT INTO turns (id, agent, session_id, state, boot_id, input, outcome, received_at, started_at, finished_at)
        VALUES ('t1', 'ana', ?, 'done', 'b', '[]', 'answered', 1000, 1000, 1000)`,
      values: [sessionId],
    },
    claimEvent(1, "t1"),
    finishEvent(1, "answered", 3_000),
    finishEvent(2, "refused:sender_not_allowed", 3_000),
    touchSession(session, 1, "Eva", 3_000),
    appendEntry(session, 1, "t1", { role: "user", text: "Where is my parcel?", sender: "Eva" }, 1_000),
    queueMessage(place, reply, 2_500, 9_000),
    markSent(1, { providerMessageIds: ["901", "902"] }, 3_000),
    writeDeadLetter({
      hop: "inbound",
      subject: "plugin.inbound.telegram.sales",
      eventId: "e9",
      cause: { kind: "invalid", message: "nobody can read this", reason: "bad_payload" },
      attempts: 1,
      body: "{}",
      firstAt: "2026-01-01T00:00:00.000Z",
    }, 5_000),
  ]);
}

Deno.test("a message is found by whatever is known of it, and leads to its turn", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await fill(ledger);
  const find = async (text: string) => {
    const found = await findMessage(ledger, { text, consumers: ["agents.inbound"] }, new AbortController().signal);
    return found.map(({ by, state, turnId, deadLetterId }) => [by, state, turnId, deadLetterId]);
  };
  assert.deepEqual(await find("t1"), [["turn", "answered", "t1", null]]);
  for (const known of ["17", "e1"]) assert.deepEqual(await find(known), [["received", "answered", "t1", null]]);
  for (const known of ["901", "902", "t1:reply"]) assert.deepEqual(await find(known), [["sent", "sent", "t1", null]]);
  assert.deepEqual(await find("18"), [["received", "refused:sender_not_allowed", null, null]]);
  assert.deepEqual(await find("e9"), [["dead letter", "bad_payload", null, 1]]);
  for (const known of ["4711", sessionId]) assert.deepEqual(await find(known), [["conversation", null, null, null]]);
  assert.deepEqual(await find("parcel"), [["words", "answered", "t1", null]]);
  assert.deepEqual(await find("nobody said this"), []);
  assert.deepEqual(await find("%_'\"--"), []);

  await ledger.commit(sweepFinished(10_000, 10));
  assert.deepEqual(await find("902"), [], "what is swept is not kept by its ids");
  assert.deepEqual(ledger.read.all("SELECT * FROM sent_ids"), []);
});
