import assert from "node:assert/strict";
import { appendEntry, touchSession } from "../../src/ledger/sessions.ts";
import { writeDeadLetter } from "../../src/ledger/dead.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** A data folder whose process is gone: two dead letters, one session. */
async function openLeftData(): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await openTempDir();
  await using ledger = await openLedger({
    path: `${folder.path}/ledger.db`,
    log: newRecordedLog(),
    metrics: newRecordedMetrics(),
    clock: systemClock,
  });
  const now = Date.now();
  const key = { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" };
  await ledger.commit([
    touchSession(key, 1, "hello", now),
    appendEntry(key, 1, null, { role: "user", text: "hello", sender: "Bo" }, now),
    ...["turn", "outbound"].map((hop) =>
      writeDeadLetter({
        hop: hop === "turn" ? "turn" : "outbound",
        subject: `plugin.${hop}.telegram.sales`,
        eventId: `event-${hop}`,
        cause: { kind: "denied", message: "No" },
        attempts: 1,
        body: "{}",
        firstAt: new Date(now).toISOString(),
      }, now)
    ),
  ]);
  return folder;
}

Deno.test("without a process status is 6, says how to start, and shows what the ledger holds", async () => {
  await using data = await openLeftData();
  const { code, stdout } = await runAgent(["status", "--data", data.path]);
  assert.equal(code, 6);
  assert.match(stdout, new RegExp(`^Nothing runs on ${data.path}. Start it: agent run --data ${data.path}\n`));
  assert.match(stdout, /dead letters +2 /);
  const json = JSON.parse((await runAgent(["status", "--data", data.path, "--json"])).stdout);
  assert.deepEqual([json.running, json.queues.dead.depth], [false, 2]);
});

Deno.test("a run.json that a dead process left behind counts as no process", async () => {
  await using data = await openLeftData();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const admin = `http://127.0.0.1:${listener.addr.port}/`;
  listener.close();
  await Deno.writeTextFile(`${data.path}/run.json`, JSON.stringify({ pid: 1, bootId: "gone", admin }));
  await Deno.writeTextFile(`${data.path}/admin.token`, "token");
  const { code, stderr } = await runAgent(["status", "--data", data.path]);
  assert.equal(code, 6, stderr);
});

Deno.test("a data folder without a ledger is told with the command that starts one", async () => {
  for (const args of [["dlq", "list"], ["sessions", "list"], ["chat", "ana"], ["dlq", "replay", "1"]]) {
    const { code, stdout, stderr } = await runAgent([...args, "--data", "/nowhere"]);
    assert.deepEqual([code, stdout], [6, ""]);
    assert.match(stderr, /Start it: agent run/);
  }
});

Deno.test("dead letters are listed, shown and purged without a process", async () => {
  await using data = await openLeftData();
  const flags = ["--data", data.path];
  const { items, next } = JSON.parse((await runAgent(["dlq", "list", "--limit", "1", "--json", ...flags])).stdout);
  assert.deepEqual([items.length, items[0].hop, next], [1, "outbound", items[0].id]);
  assert.match((await runAgent(["dlq", "show", String(next), ...flags])).stdout, /Event +event-outbound/);
  assert.equal((await runAgent(["dlq", "show", "99", ...flags])).code, 4);
  const dry = await runAgent(["dlq", "purge", "--older-than", "0s", "--dry-run", ...flags]);
  assert.equal(dry.stdout, "2 dead letters would be purged.\n");
  const purged = await runAgent(["dlq", "purge", "--hop", "outbound", "--yes", ...flags]);
  assert.equal(purged.stdout, "1 dead letter purged.\n", purged.stderr);
  assert.match((await runAgent(["dlq", "list", ...flags])).stdout, /turn/);
  assert.equal((await runAgent(["dlq", "show", String(next), ...flags])).code, 4);
  const [, number = ""] = purged.stderr.match(/agent dlq restore (\d+)/) ?? [];
  const restored = await runAgent(["dlq", "restore", number, ...flags]);
  assert.equal(restored.stdout, "1 dead letter brought back.\n", restored.stderr);
  assert.equal((await runAgent(["dlq", "show", String(next), ...flags])).code, 0);
  assert.equal((await runAgent(["dlq", "restore", number, ...flags])).code, 4);
});

Deno.test("a letter whose message is no longer kept is not replayed, which is a conflict", async () => {
  await using data = await openLeftData();
  const { code, stderr } = await runAgent(["dlq", "replay", "1", "--data", data.path]);
  assert.equal(code, 5);
  assert.match(stderr, /no longer kept/);
});

Deno.test("sessions are listed and shown without a process", async () => {
  await using data = await openLeftData();
  const flags = ["--data", data.path];
  const { items } = JSON.parse((await runAgent(["sessions", "list", "--search", "hell", "--json", ...flags])).stdout);
  assert.deepEqual(items.map(({ id }: { readonly id: string }) => id), ["ana/telegram/sales/7"]);
  assert.match((await runAgent(["sessions", "show", "ana/telegram/sales/7", ...flags])).stdout, /user Bo\n {2}hello/);
  assert.equal((await runAgent(["sessions", "show", "ana/telegram/sales/8", ...flags])).code, 4);
});
