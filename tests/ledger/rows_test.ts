import assert from "node:assert/strict";
import type { ProviderKey } from "../../src/core/bus.ts";
import type { Outbound } from "../../src/core/message.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { acceptEvent, buryEvent, claimEvent, finishEvent, readReady, readReadyOfTurn } from "../../src/ledger/inbox.ts";
import {
  listDeadLetters,
  purgeDeadLetters,
  readDeadLetter,
  replayDeadLetter,
  restoreDeadLetters,
  selectDeadLetters,
  sweepPurged,
  writeDeadLetter,
} from "../../src/ledger/dead.ts";
import { markDead, markSent, queueMessage, readOpenOutbox, readOutboxRow } from "../../src/ledger/outbox.ts";
import { readQueueDepths, sweepFinished } from "../../src/ledger/queues.ts";
import { appendEntry, endSession, readHistory, readSession, touchSession } from "../../src/ledger/sessions.ts";
import { readInterruptedTurn, startTurn } from "../../src/ledger/turns.ts";
import { newTestEvent, openLedgerFolder, openTestLedger } from "./opening.ts";

const signal = new AbortController().signal;
const key: ProviderKey = { plugin: "telegram", instance: "sales", conversation: "7", messageId: "1" };

async function accept(ledger: Ledger, id: string, atMs = 0, consumer = "c"): Promise<number> {
  const [rows] = await ledger.commit([acceptEvent(consumer, newTestEvent(id), undefined, atMs)]);
  return Number(rows?.[0]?.id);
}

const letter = (eventId: string, rowId: number, hop: "turn" | "outbound" | "route" = "turn") =>
  writeDeadLetter({
    hop,
    subject: "plugin.inbound.telegram.sales",
    eventId,
    cause: { kind: "unavailable", message: "the model cannot be reached", reason: "stream_cut" },
    attempts: 1,
    body: JSON.stringify({ id: eventId }),
    firstAt: "2026-01-01T00:00:00.000Z",
    rowId,
  }, 1_000);

Deno.test("an event is accepted once for each consumer, by its id and by its provider's key", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const count = async (...args: Parameters<typeof acceptEvent>) =>
    (await opened.ledger.commit([acceptEvent(...args)]))[0]?.length;
  assert.equal(await count("a", newTestEvent("e1"), key, 0), 1);
  assert.equal(await count("a", newTestEvent("e1"), undefined, 0), 0);
  assert.equal(await count("a", newTestEvent("e2"), key, 0), 0);
  assert.equal(await count("b", newTestEvent("e1"), key, 0), 1);
  assert.equal(await count("a", newTestEvent("e2"), { ...key, conversation: "8" }, 0), 1);
  assert.equal(await count("a", newTestEvent("e3"), { ...key, instance: "support" }, 0), 1);
  assert.equal(await count("a", newTestEvent("e4"), { ...key, messageId: "2" }, 0), 1);
});

Deno.test("a finished row stays finished, whatever is said of it later", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const id = await accept(ledger, "e1");
  await ledger.commit([finishEvent(id, "answered", 5)]);
  await ledger.commit([buryEvent(id, 6), finishEvent(id, "failed", 7)]);
  assert.deepEqual({ ...ledger.read.get("SELECT state, outcome, finished_at FROM inbox") }, {
    state: "done",
    outcome: "answered",
    finished_at: 5,
  });
  assert.deepEqual(readReady(ledger.read, "c", 0, 10), []);
});

Deno.test("rows of an interrupted turn are found together and count its starts", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const [one, two, three] = [await accept(ledger, "e1"), await accept(ledger, "e2"), await accept(ledger, "e3")];
  await ledger.commit([claimEvent(one, "t"), claimEvent(three, "t")]);
  await ledger.commit([claimEvent(one, "t")]);
  const found = readReadyOfTurn(ledger.read, "t");
  assert.deepEqual(found.map(({ rowId, attempts }) => [rowId, attempts]), [[one, 2], [three, 1]]);
  assert.equal(readReady(ledger.read, "c", one, 1)[0]?.rowId, two);
});

Deno.test("a journal is shown to its own session only", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const input = { role: "user", text: "hello" } as const;
  await opened.ledger.commit([
    startTurn({ id: "t", agent: "ana", sessionId: "ana/x", bootId: "b", input, receivedAtMs: 0, startedAtMs: 1 }),
  ]);
  assert.deepEqual(readInterruptedTurn(opened.ledger.read, "t", "ana/x")?.input, input);
  assert.equal(readInterruptedTurn(opened.ledger.read, "t", "bob/x"), undefined);
});

Deno.test("dead letters are listed newest first, by hop, subject, cause and age", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([letter("e1", 1), letter("e2", 2, "outbound"), letter("e3", 3, "route")]);
  const ids = async (filter: Parameters<typeof listDeadLetters>[1]) =>
    (await listDeadLetters(ledger, filter, 2_000, signal)).map(({ eventId }) => eventId);
  assert.deepEqual(await ids({}), ["e3", "e2", "e1"]);
  assert.deepEqual(await ids({ limit: 1 }), ["e3"]);
  assert.deepEqual(await ids({ before: 3 }), ["e2", "e1"]);
  assert.deepEqual(await ids({ hop: "outbound" }), ["e2"]);
  assert.deepEqual(await ids({ cause: "stream_cut" }), ["e3", "e2", "e1"]);
  assert.deepEqual(await ids({ cause: "timeout" }), []);
  assert.deepEqual(await ids({ subject: "plugin.inbound.>" }), ["e3", "e2", "e1"]);
  assert.deepEqual(await ids({ subject: "plugin.inbound" }), []);
  assert.deepEqual(await ids({ olderThanMs: 500 }), ["e3", "e2", "e1"]);
  assert.deepEqual(await ids({ olderThanMs: 1_500 }), []);
  assert.deepEqual(readDeadLetter(ledger.read, 1)?.body, { id: "e1" });
  assert.equal(readDeadLetter(ledger.read, 99), undefined);
});

Deno.test("a replayed message is ready again behind all others, under its old event id", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const dead = await accept(ledger, "e1");
  await ledger.commit([claimEvent(dead, "t"), buryEvent(dead, 1), letter("e1", dead)]);
  const other = await accept(ledger, "e2");
  await ledger.commit(replayDeadLetter(ledger.read, 1, 50, 100));
  const ready = readReady(ledger.read, "c", other, 10);
  assert.deepEqual(ready.map(({ event, attempts, turnId }) => [event.id, attempts, turnId]), [["e1", 0, undefined]]);
  assert.equal((await ledger.commit([acceptEvent("c", newTestEvent("e1"), undefined, 0)]))[0]?.length, 0);
});

Deno.test("a letter is replayed once, also when two operators do so at the same time", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const inboxRow = await accept(ledger, "e1");
  await ledger.commit([buryEvent(inboxRow, 1), letter("e1", inboxRow)]);
  await ledger.commit([
    queueMessage({ plugin: "telegram", instance: "sales" }, newMessage("k1"), 0, 10),
    markDead(1, "gone", 1),
    letter("k1", 1, "outbound"),
  ]);
  for (const id of [1, 2]) {
    const [first, second] = [1, 2].map(() => replayDeadLetter(ledger.read, id, 50, 100));
    await ledger.commit(first ?? []);
    if (id === 2) await ledger.commit([markSent(1, { providerMessageIds: ["m"] }, 60)]);
    await ledger.commit(second ?? []);
    assert.throws(() => replayDeadLetter(ledger.read, id, 60, 100), { kind: "conflict" });
  }
  assert.deepEqual(readReady(ledger.read, "c", 0, 10).map(({ event }) => event.id), ["e1"]);
  assert.deepEqual(readOpenOutbox(ledger.read), []);
  assert.throws(() => replayDeadLetter(ledger.read, 99, 60, 100), { kind: "missing" });
});

Deno.test("a replayed reply is queued again with a new time of expiry", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([
    queueMessage({ plugin: "telegram", instance: "sales" }, newMessage("k1"), 0, 10),
    markDead(1, "gone", 1),
    letter("k1", 1, "outbound"),
  ]);
  await ledger.commit(replayDeadLetter(ledger.read, 1, 50, 100));
  const row = readOutboxRow(ledger.read, 1);
  assert.deepEqual([row?.state, row?.expiresAtMs, row?.attempts, row?.message.key], ["queued", 100, 0, "k1"]);
});

Deno.test("purging takes the chosen letters and no others", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([letter("e1", 1), letter("e2", 2, "outbound"), letter("e3", 3)]);
  assert.deepEqual(await selectDeadLetters(ledger, { ids: [3, 1, 77] }, 0, signal), [1, 3]);
  assert.deepEqual(await selectDeadLetters(ledger, { ids: [] }, 0, signal), []);
  const turns = await selectDeadLetters(ledger, { filter: { hop: "turn" } }, 0, signal);
  await ledger.commit([purgeDeadLetters(turns, 5)]);
  const list = async () => (await listDeadLetters(ledger, {}, 0, signal)).map(({ eventId }) => eventId);
  assert.deepEqual(await list(), ["e2"]);
  assert.throws(() => replayDeadLetter(ledger.read, 1, 0, 0), { kind: "missing" });
  await ledger.commit([restoreDeadLetters(4), restoreDeadLetters(5)]);
  assert.deepEqual(await list(), ["e3", "e2", "e1"]);
});

Deno.test("purging a reply that died lets go of it", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([
    queueMessage({ plugin: "telegram", instance: "sales" }, newMessage("k1"), 0, 10),
    markDead(1, "gone", 1),
    letter("k1", 1, "outbound"),
  ]);
  await ledger.commit([purgeDeadLetters([1], 5)]);
  await ledger.commit(sweepPurged(5, 10));
  assert.equal(ledger.read.all("SELECT id FROM outbox").length, 1, "it can be brought back until then");
  await ledger.commit(sweepPurged(6, 10));
  assert.deepEqual(ledger.read.all("SELECT id FROM outbox"), []);
  assert.deepEqual(await ledger.commit([restoreDeadLetters(5)]), [[]]);
});

Deno.test("sessions of two agents never share history, though person and channel are the same", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const ana = { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" };
  const others = [{ ...ana, agent: "bob" }, { ...ana, instance: "support" }, { ...ana, thread: "t" }];
  await ledger.commit([touchSession(ana, 1, "hi", 5), appendEntry(ana, 1, "t", { role: "user", text: "secret" }, 5)]);
  assert.equal(readHistory(ledger.read, ana, 1, 50).entries.length, 1);
  for (const other of others) assert.deepEqual(readHistory(ledger.read, other, 1, 50).entries, []);
  assert.deepEqual(readHistory(ledger.read, ana, 2, 50).entries, []);
});

Deno.test("history is the newest entries, oldest first", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const ana = { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" };
  const texts = ["1", "2", "3", "4"];
  await opened.ledger.commit(texts.map((text) => appendEntry(ana, 1, null, { role: "note", text }, 0)));
  const { entries: history, isCut } = readHistory(opened.ledger.read, ana, 1, 2);
  assert.equal(isCut, true);
  assert.deepEqual(history.map((entry) => entry.role === "note" ? entry.text : ""), ["3", "4"]);
});

Deno.test("a session that woke up meanwhile is not ended", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const ana = { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" };
  await ledger.commit([touchSession(ana, 1, "", 100)]);
  await ledger.commit([endSession("ana/telegram/sales/7", 50)]);
  assert.equal(readSession(ledger.read, "ana/telegram/sales/7")?.ended, false);
  await ledger.commit([endSession("ana/telegram/sales/7", 101)]);
  assert.equal(readSession(ledger.read, "ana/telegram/sales/7")?.ended, true);
});

Deno.test("a sweep takes what is finished and old, and never gives a row's number again", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  for (const id of ["old", "fresh", "open", "newest"]) await accept(ledger, id);
  await ledger.commit([finishEvent(1, "answered", 10), finishEvent(2, "answered", 90), finishEvent(4, "answered", 10)]);
  await ledger.commit([
    queueMessage({ plugin: "telegram", instance: "sales" }, newMessage("old"), 0, 10),
    queueMessage({ plugin: "telegram", instance: "sales" }, newMessage("open"), 0, 10),
    markSent(1, { providerMessageIds: [] }, 10),
  ]);
  await ledger.commit(sweepFinished(50, 100));
  assert.deepEqual(ledger.read.all("SELECT event_id FROM inbox ORDER BY id").map((row) => row.event_id), [
    "fresh",
    "open",
    "newest",
  ]);
  assert.deepEqual(ledger.read.all("SELECT key FROM outbox").map((row) => row.key), ["open"]);
  await ledger.commit([finishEvent(2, "answered", 10), finishEvent(3, "answered", 10)]);
  await ledger.commit(sweepFinished(500, 100));
  assert.equal(await accept(ledger, "later"), 5);
});

Deno.test("a sweep that finds nothing reads through no table", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  for (const { sql, values } of sweepFinished(50, 100)) {
    const plan = opened.ledger.read.all(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => String(detail));
    assert.deepEqual(plan.filter((step) => /^SCAN/.test(step)), [], sql);
  }
});

Deno.test("queue depths count what waits, with its age", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await accept(ledger, "e1", 7);
  await accept(ledger, "e2", 9);
  await ledger.commit([finishEvent(1, "answered", 10), letter("x", 1)]);
  assert.deepEqual(readQueueDepths(ledger.read), [
    { queue: "inbox", depth: 1, oldestAtMs: 9 },
    { queue: "outbox", depth: 0, oldestAtMs: undefined },
    { queue: "spill", depth: 0, oldestAtMs: undefined },
    { queue: "dead", depth: 1, oldestAtMs: 1_000 },
  ]);
});

function newMessage(messageKey: string): Outbound {
  return {
    key: messageKey,
    conversation: "7",
    sessionId: "ana/telegram/sales/7",
    turnId: "t",
    inReplyTo: [],
    text: "hello",
    outcome: "answered",
  };
}
