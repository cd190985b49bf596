import assert from "node:assert/strict";
import type { Ledger } from "../../src/core/ledger.ts";
import { type SessionKey, toSessionId } from "../../src/core/session.ts";
import type { TranscriptEntry } from "../../src/core/transcript.ts";
import { writeAudit } from "../../src/ledger/audit.ts";
import { writeDeadLetter } from "../../src/ledger/dead.ts";
import { findPerson, forgetTraces } from "../../src/ledger/forget.ts";
import { acceptEvent, claimEvent, finishEvent } from "../../src/ledger/inbox.ts";
import { queueMessage } from "../../src/ledger/outbox.ts";
import { sweepAgent } from "../../src/ledger/retention.ts";
import { appendEntry, touchSession } from "../../src/ledger/sessions.ts";
import { spillEvent } from "../../src/ledger/spill.ts";
import { endTurn, recordModelStep, startTurn } from "../../src/ledger/turns.ts";
import { newTestEvent, openLedgerFolder, openTestLedger } from "./opening.ts";

const signal = new AbortController().signal;
const person = "telegram:7";
const chat = (conversation: string, plugin = "telegram", agent = "ana"): SessionKey => ({
  agent,
  plugin,
  instance: "sales",
  conversation,
});
const inbound = (senderId: string, text: string) => ({
  plugin: "telegram",
  message: { sender: { id: senderId }, text },
});

/** One whole turn, as the agents leave it behind. `who` absent: nobody in particular, or an entry of old. */
async function answer(ledger: Ledger, key: SessionKey, turn: string, text: string, who?: string, atMs = 5) {
  const input: TranscriptEntry = { role: "user", text, ...(who === undefined ? {} : { people: [`telegram:${who}`] }) };
  const event = newTestEvent(`event-${turn}`, "plugin.inbound", inbound(who ?? "0", text));
  const rows = await ledger.commit([acceptEvent("agents.inbound", event, undefined, atMs)]);
  const row = Number(rows[0]?.[0]?.id);
  const sessionId = toSessionId(key);
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
  const call = { messages: 1, tools: 0, setbacks: [] };
  const start = { agent: key.agent, sessionId, bootId: "b", input, receivedAtMs: atMs, startedAtMs: atMs };
  await ledger.commit([
    touchSession(key, 1, text, atMs),
    startTurn({ id: turn, ...start }),
    claimEvent(row, turn),
    recordModelStep(
      turn,
      0,
      { text: `echo ${text}`, toolCalls: [], provider: "p", model: "m", usage },
      call,
      atMs,
      atMs,
    ),
    appendEntry(key, 1, turn, input, atMs),
    appendEntry(key, 1, turn, { role: "assistant", text: `echo ${text}`, toolCalls: [] }, atMs),
    queueMessage(
      key,
      {
        key: `${turn}:reply`,
        conversation: key.conversation,
        sessionId,
        turnId: turn,
        inReplyTo: [],
        text: `echo ${text}`,
        outcome: "answered",
      },
      atMs,
      atMs,
    ),
    finishEvent(row, "answered", atMs),
    endTurn({ id: turn, outcome: "answered", inputTokens: 1, outputTokens: 1, costUsd: 0, finishedAtMs: atMs }),
  ]);
}

/** Every table with everything that stands in it. */
function dump(ledger: Ledger): string {
  const tables = [
    "inbox",
    "turns",
    "steps",
    "sessions",
    "messages",
    "session_people",
    "outbox",
    "dead",
    "spill",
    "pairing",
    "audit",
  ];
  return JSON.stringify(tables.map((table) => ledger.read.all(`SELECT * FROM ${table}`)));
}

async function openPeopled(path: string) {
  const opened = await openTestLedger(path);
  const { ledger } = opened;
  await answer(ledger, chat("7"), "t1", "marker one", "7");
  await answer(ledger, chat("-5"), "t2", "kept group", "8");
  await answer(ledger, chat("-5"), "t3", "marker group", "7");
  await answer(ledger, chat("8"), "t4", "kept two", "8");
  // What ben was asked for them, and what he asked cy for.
  await answer(ledger, chat("ana:ana/telegram/sales/7", "agent", "ben"), "t5", "marker task");
  await answer(
    ledger,
    chat("ben:ben/agent/sales/ana%3Aana%2Ftelegram%2Fsales%2F7", "agent", "cy"),
    "t6",
    "marker deep",
  );
  await answer(ledger, chat("ana:ana/telegram/sales/8", "agent", "ben"), "t7", "kept task");
  const route = (id: string, sessionId: string, task: string) =>
    acceptEvent(
      "agents.route",
      newTestEvent(id, "agent.route.ben", { kind: "delegate", sessionId, task }),
      undefined,
      5,
    );
  await ledger.commit([
    route("t1:0", "ana/telegram/sales/7", "marker routed"),
    acceptEvent(
      "agents.route",
      newTestEvent("t1:0:result", "agent.route.ana", { text: "marker result" }),
      undefined,
      5,
    ),
    route("t3:0", "ana/telegram/sales/-5", "marker routed too"),
    route("t2:0", "ana/telegram/sales/-5", "kept routed"),
    appendEntry(chat("-5"), 1, null, { role: "note", text: "marker in a note", summary: true }, 5),
    { sql: "UPDATE messages SET through_id = 1 WHERE body LIKE '%in a note%'", values: [] },
    ...["7", "8"].map((id) =>
      writeDeadLetter({
        hop: "inbound",
        subject: "s",
        eventId: `dead-${id}`,
        cause: { kind: "bug", message: "m" },
        attempts: 1,
        body: JSON.stringify({ payload: inbound(id, id === "7" ? "marker dead" : "kept dead") }),
        firstAt: "2026-01-01T00:00:00.000Z",
      }, 5)
    ),
    ...["7", "8"].map((id) =>
      spillEvent({
        subject: "s",
        eventId: `spill-${id}`,
        text: JSON.stringify({ payload: inbound(id, id === "7" ? "marker spilled" : "kept spilled") }),
        copy: false,
      }, 5)
    ),
    ...["7", "8"].flatMap((sender) => [
      {
        sql: `INSERT INTO pairing (agent, plugin, instance, sender, name, state, expires_at, asked_at)
          VALUES ('ana', 'telegram', 'sales', ?, ?, 'approved', 0, 0)`,
        values: [sender, sender === "7" ? "marker" : "kept"],
      },
      writeAudit({ actor: "cli", action: "pairing.approved", target: `telegram.sales ${sender}` }, 5),
    ]),
    acceptEvent("agents.inbound", newTestEvent("newest", "s", inbound("7", "marker refused")), undefined, 5),
  ]);
  return opened;
}

const forget = async (ledger: Ledger, units = Infinity) => {
  const steps = forgetTraces(person, await findPerson(ledger, person, signal));
  for (const unit of steps.slice(0, units)) await ledger.commit(unit);
  return steps.length;
};

Deno.test("everything of a person goes, in groups and among agents too, and nothing of others", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openPeopled(folder.path);
  const { ledger } = opened;
  const keptBefore = dump(ledger).match(/kept/g)?.length;
  const newest = ledger.read.get("SELECT max(id) AS id FROM inbox")?.id;
  await forget(ledger);
  assert.doesNotMatch(dump(ledger), /marker|telegram:7"|sales 7/);
  // The title of the group was the beginning of a message of hers or not: nobody can tell, so it begins anew.
  assert.equal(dump(ledger).match(/kept/g)?.length, (keptBefore ?? 0) - 1);
  assert.equal(ledger.read.get("SELECT max(id) AS id FROM inbox")?.id, newest, "no row's number is given again");
  assert.equal(await forget(ledger), 0, "nothing is left to forget");
});

Deno.test("a process that dies anywhere while it forgets finds the rest at the next try", async () => {
  await using first = await openLedgerFolder();
  await using probe = await openPeopled(first.path);
  const count = await forget(probe.ledger, 0);
  for (let units = 1; units < count; units++) {
    await using folder = await openLedgerFolder();
    await using opened = await openPeopled(folder.path);
    await forget(opened.ledger, units);
    await forget(opened.ledger);
    assert.doesNotMatch(dump(opened.ledger), /marker|telegram:7"|sales 7/, `after ${units} units`);
  }
});

Deno.test("files that were sent to a person go, unless somebody else gets them too", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openPeopled(folder.path);
  const { ledger } = opened;
  const send = (turn: string, ...names: readonly string[]) => ({
    sql: `UPDATE outbox SET body = json_set(body, '$.files', json(?)) WHERE turn_id = ?`,
    values: [JSON.stringify(names.map((sha256) => ({ sha256 }))), turn],
  });
  await ledger.commit([send("t1", "aa", "bb"), send("t4", "bb", "cc")]);
  assert.deepEqual((await findPerson(ledger, person, signal)).files, ["aa"]);
});

Deno.test("nothing of what was deleted is left in the bytes of the file", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openPeopled(folder.path);
  const read = async () => {
    const files = await Promise.all(["", "-wal"].map((suffix) => Deno.readFile(folder.path + suffix)));
    return files.map((bytes) => new TextDecoder("latin1").decode(bytes)).join();
  };
  assert.ok((await read()).includes("marker"));
  await forget(opened.ledger);
  await opened.ledger.scrub();
  assert.ok(!(await read()).includes("marker"));
  assert.ok((await read()).includes("kept"));
});

Deno.test("an old private chat goes by its name, where nobody noted who wrote in it", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  await answer(opened.ledger, chat("7"), "t1", "marker of old");
  await answer(opened.ledger, chat("77"), "t2", "kept");
  await forget(opened.ledger);
  assert.doesNotMatch(dump(opened.ledger), /marker/);
  assert.match(dump(opened.ledger), /kept/);
});

Deno.test("an agent's old messages go with turns, answers and search, in bounded units, and no other's", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await answer(ledger, chat("1"), "t1", "plum old", "1", 10);
  await answer(ledger, chat("2"), "t2", "plum older", "2", 5);
  await answer(ledger, chat("2"), "t3", "plum fresh", "2", 90);
  await answer(ledger, chat("3", "telegram", "bob"), "t4", "plum of bob", "3", 10);
  await ledger.commit([{ sql: "UPDATE outbox SET state = 'sent'", values: [] }]);
  const sweep = async () => (await ledger.commit(sweepAgent("ana", 50, 3)))[1]?.length;
  assert.equal(await sweep(), 3, "no more than the bound");
  assert.equal(await sweep(), 1);
  assert.equal(await sweep(), 0);
  const found = ledger.read.all("SELECT rowid FROM message_search WHERE message_search MATCH 'plum'");
  assert.equal(found.length, 4);
  assert.doesNotMatch(dump(ledger), /plum old/);
  assert.deepEqual(ledger.read.all("SELECT id, title FROM sessions").map(({ id, title }) => [id, title]), [
    ["ana/telegram/sales/2", ""],
    ["bob/telegram/sales/3", "plum of bob"],
  ]);
  assert.equal(ledger.read.all("SELECT id FROM turns").length, 2);
  assert.equal(ledger.read.all("SELECT id FROM inbox").length, 4, "what was accepted is never accepted again");
  for (const { sql, values } of sweepAgent("ana", 50, 100)) {
    const plan = ledger.read.all(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => String(detail));
    assert.deepEqual(plan.filter((step) => /^SCAN (messages|turns|steps|inbox|outbox)\b/.test(step)), [], sql);
  }
});
