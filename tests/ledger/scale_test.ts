import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Ledger, LedgerReader, SqlValue, Statement } from "../../src/core/ledger.ts";
import { readActivity, readUsageRows, sweepTraffic } from "../../src/ledger/activity.ts";
import { type DeadLetterFilter, listDeadLetters, selectDeadLetters } from "../../src/ledger/dead.ts";
import { findMessage } from "../../src/ledger/find.ts";
import { newHistory } from "../../src/ledger/history.ts";
import { migrate } from "../../src/ledger/migrate.ts";
import { listPairings, type PairingState } from "../../src/ledger/pairing.ts";
import { countWaiting, readQueueDepths } from "../../src/ledger/queues.ts";
import { migrations } from "../../src/ledger/schema.ts";
import { searchMessages } from "../../src/ledger/search.ts";
import { readWaiting } from "../../src/ledger/waiting.ts";
import { openLedgerFolder, openTestLedger } from "./opening.ts";

const signal = new AbortController().signal;
const nowMs = Date.now();

/** A ledger that notes how each statement is carried out. */
function withPlans(ledger: Ledger): { readonly ledger: Ledger; readonly steps: string[] } {
  const steps: string[] = [];
  const note = (sql: string, values: readonly SqlValue[]) =>
    steps.push(...ledger.read.all(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => String(detail)));
  const read: LedgerReader = {
    get(sql, ...values) {
      note(sql, values);
      return ledger.read.get(sql, ...values);
    },
    all(sql, ...values) {
      note(sql, values);
      return ledger.read.all(sql, ...values);
    },
  };
  const query = (statement: Statement, left: AbortSignal) => {
    note(statement.sql, statement.values);
    return ledger.query(statement, left);
  };
  return { ledger: { ...ledger, read, query }, steps };
}

/** Steps that go through the rows of a table, and not only through an index that holds what is asked for. */
function findScans(steps: readonly string[], tables: string): readonly string[] {
  return steps.filter((step) => new RegExp(`^SCAN (${tables})\\b(?!.*COVERING INDEX)`).test(step));
}

Deno.test("what waits and what died is counted by indexes alone: bodies may be large, and turns wait for the count", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger, steps } = withPlans(opened.ledger);
  readQueueDepths(ledger.read);
  assert.equal(countWaiting(ledger.read, 5), 0);
  await readWaiting(ledger, signal);
  assert.deepEqual(findScans(steps, "inbox|dead|spill"), []);
});

Deno.test("waiting events are counted up to the bound", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const sql = `INSERT INTO inbox (consumer, event_id, subject, event, received_at)
    SELECT 'c', value, 's', '{}', value FROM json_each(?)`;
  await ledger.commit([{ sql, values: ["[1,2,3,4]"] }]);
  assert.equal(countWaiting(ledger.read, 3), 3);
  assert.equal(countWaiting(ledger.read, 9), 4);
  assert.deepEqual((await readWaiting(ledger, signal)).inbox, [{
    consumer: "c",
    subject: "s",
    rows: 4,
    oldestAtMs: 1,
  }]);
});

Deno.test("dead letters are found without reading their bodies, whatever is asked for", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger, steps } = withPlans(opened.ledger);
  const filters: readonly DeadLetterFilter[] = [
    {},
    { hop: "turn" },
    { subject: "plugin.>" },
    { subject: "plugin.inbound" },
    { cause: "invalid" },
    { olderThanMs: 1 },
    { before: 7 },
  ];
  for (const filter of filters) {
    await listDeadLetters(ledger, filter, nowMs, signal);
    await selectDeadLetters(ledger, { filter }, nowMs, signal);
  }
  assert.ok(steps.some((step) => /dead_waiting/.test(step)));
  assert.deepEqual(findScans(steps, "dead"), []);
});

Deno.test("a page of people in one state reads none of another state", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger, steps } = withPlans(opened.ledger);
  const states: readonly (PairingState | undefined)[] = [
    undefined,
    "pending",
    "approved",
    "denied",
    "revoked",
    "expired",
  ];
  for (const state of states) await listPairings(ledger, { state, limit: 50 }, nowMs, signal);
  assert.deepEqual(steps.filter((step) => /^SCAN pairing/.test(step)), []);
});

Deno.test("what went on in an hour and what was used is read without going through turns and messages", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger, steps } = withPlans(opened.ledger);
  await readActivity(ledger, nowMs, signal);
  await readUsageRows(ledger, "2026-01-01", "day", signal);
  await findMessage(ledger, { text: "4711", consumers: ["agents.inbound"] }, signal);
  assert.deepEqual(steps.filter((step) => /^(SCAN|SEARCH) (inbox|outbox)\b.*(inbox_done|outbox_sent)/.test(step)), []);
  assert.deepEqual(findScans(steps, "inbox|outbox|sessions|usage|steps"), []);
});

Deno.test("an old ledger's last hour is counted by the migration, and what ends later by the ledger itself", async () => {
  await using folder = await openLedgerFolder();
  const counted = migrations.findIndex((migration) => migration.includes("CREATE TABLE traffic"));
  const minuteAgo = Date.now() - 60_000;
  {
    const old = new DatabaseSync(folder.path);
    migrate(old, folder.path, migrations.slice(0, counted));
    const turn = old.prepare(
      `INSERT INTO turns (id, agent, session_id, state, boot_id, input, outcome, received_at, started_at,
      finished_at) VALUES (?, 'ana', 's', 'done', 'b', '{}', ?, 0, 0, ?)`,
    );
    turn.run("1", "answered", minuteAgo);
    turn.run("2", "failed", minuteAgo);
    turn.run("3", "failed", 0);
    old.close();
  }
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const endedOf = async () => {
    const { turns, channels } = await readActivity(ledger, Date.now(), signal);
    return [turns.ended, turns.failed, channels];
  };
  assert.deepEqual(await endedOf(), [2, 1, []]);

  const row = { plugin: "telegram", instance: "sales", at: Date.now() };
  await ledger.commit([
    {
      sql: `INSERT INTO turns (id, agent, session_id, state, boot_id, input, received_at, started_at)
        VALUES ('4', 'ana', 's', 'running', 'b', '{}', 0, 0)`,
      values: [],
    },
    { sql: `UPDATE turns SET state = 'done', outcome = 'answered', finished_at = ? WHERE id = '4'`, values: [row.at] },
    {
      sql: `INSERT INTO inbox (consumer, event_id, subject, plugin, instance, event, received_at)
        VALUES ('c', 'e', 's', ?, ?, '{}', 0)`,
      values: [row.plugin, row.instance],
    },
    { sql: `UPDATE inbox SET state = 'done', finished_at = ?`, values: [row.at] },
    { sql: `UPDATE inbox SET state = 'done'`, values: [] },
  ]);
  assert.deepEqual(await endedOf(), [3, 1, [{ channel: "telegram.sales", received: 1, sent: 0 }]]);
  await ledger.commit([sweepTraffic(Date.now() + 7_200_000, 100)]);
  assert.equal(ledger.read.get("SELECT count(*) AS rows FROM traffic")?.rows, 0);
});

Deno.test("a year of many agents and models is told whole by month", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([{
    sql: `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers LIMIT 73000)
      INSERT INTO usage SELECT 'agent' || (n % 20), date('2026-12-31', '-' || (n / 200) || ' days'), 'p', 'm' || (n / 20 % 10),
        1, 2, 3, 0, 0, 0.5 FROM numbers`,
    values: [],
  }]);
  const sum = async (step: "day" | "month") =>
    (await readUsageRows(ledger, "2026-01-01", step, signal)).reduce((total, { calls }) => total + calls, 0);
  assert.equal(await sum("day"), 10_000);
  assert.equal(await sum("month"), 73_000);
  const [newest] = await readUsageRows(ledger, "2026-01-01", "month", signal);
  const { calls, inputTokens, costUsd } = newest ?? {};
  assert.deepEqual([newest?.day, calls, inputTokens, costUsd], ["2026-12-01", 31, 62, 15.5]);
});

Deno.test("a word that stands in very many entries is found newest first, and for an agent with few of them too", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger, steps } = withPlans(opened.ledger);
  const write = (agent: string, count: number): Statement => ({
    sql: `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?)
      INSERT INTO messages (agent, session_id, epoch, role, body, at)
      SELECT ?, ? || '/s', 1, 'user', json_object('role', 'user', 'text', 'once ' || n), n FROM numbers`,
    values: [count, agent, agent],
  });
  await ledger.commit([write("bob", 2), write("ana", 5_100)]);
  const find = async (agent?: string, words = "once") =>
    (await searchMessages(ledger, { words, agent, limit: 3 }, signal)).map(({ sessionId, text }) =>
      `${sessionId} ${text}`
    );
  assert.deepEqual(await find(), ["ana/s once 5100", "ana/s once 5099", "ana/s once 5098"]);
  assert.deepEqual(await find("ana"), ["ana/s once 5100", "ana/s once 5099", "ana/s once 5098"]);
  assert.deepEqual(await find("bob"), ["bob/s once 2", "bob/s once 1"]);
  assert.deepEqual(await find("eva"), []);
  assert.deepEqual(await find(undefined, "onc 51"), [
    "ana/s once 51",
    "ana/s once 510",
    "ana/s once 511",
  ], "few enough are held against each other");
  assert.deepEqual(findScans(steps, "messages|m"), []);
  assert.deepEqual(
    steps.filter((step) => /^SEARCH m USING INDEX/.test(step)),
    [],
    "a common word reads no agent through",
  );
});

Deno.test("a turn of many large steps is shown with their beginnings, and says which failed", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const text = "x".repeat(150_000);
  const output = JSON.stringify({ result: { isError: true, content: [{ type: "text", text }] }, untrusted: false });
  await ledger.commit([
    {
      sql: `INSERT INTO turns (id, agent, session_id, state, boot_id, input, received_at, started_at)
        VALUES ('t', 'ana', 's', 'running', 'b', '{"role":"user","text":"hi"}', 0, 0)`,
      values: [],
    },
    {
      sql: `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 40)
        INSERT INTO steps (turn_id, seq, kind, state, name, input, output, started_at, finished_at)
        SELECT 't', n, 'tool', 'done', 'look', '{"n":1}', iif(n = 1, '{"result":{"content":[]}}', ?), 0, 1 FROM numbers`,
      values: [output],
    },
  ]);
  const turn = await newHistory(ledger).turn("t", signal);
  assert.equal(turn?.steps.length, 40);
  assert.ok(JSON.stringify(turn).length < 5_000_000);
  assert.deepEqual(turn?.steps[0]?.output, { result: { content: [] } });
  assert.deepEqual(turn?.steps[1]?.input, { n: 1 });
  assert.match(String(turn?.steps[1]?.fault), /^\{"result".*x…$/);
});
