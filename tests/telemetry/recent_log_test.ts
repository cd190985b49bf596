import assert from "node:assert/strict";
import type { LogLevel } from "../../src/core/log.ts";
import { newRecentLog } from "../../src/telemetry/recent_log.ts";

function entry(event: string, fields = {}, level: LogLevel = "info") {
  return { at: 0, level, event, fields };
}

Deno.test("the newest entries that fit are listed, oldest first", () => {
  const log = newRecentLog();
  log.add(entry("turn.started", { turn: "t1" }));
  log.add(entry("turn.ended", { turn: "t1", tookMs: 5 }));
  log.add(entry("turn.ended", { turn: "t2" }, "error"));
  log.add(entry("bus.offline", {}, "warn"));
  const events = (...args: Parameters<typeof log.list>) => log.list(...args).map(({ event }) => event);
  assert.deepEqual(events({}, 10), ["turn.started", "turn.ended", "turn.ended", "bus.offline"]);
  assert.deepEqual(events({}, 1), ["bus.offline"]);
  assert.deepEqual(events({ level: "warn" }, 10), ["turn.ended", "bus.offline"]);
  assert.deepEqual(events({ event: "turn" }, 10), ["turn.started", "turn.ended", "turn.ended"]);
  assert.deepEqual(events({ fields: { turn: "t1" } }, 10), ["turn.started", "turn.ended"]);
  assert.deepEqual(events({ fields: { tookMs: "5" } }, 10), ["turn.ended"]);
});

Deno.test("a loud log keeps its newest entries and no more than twice as many", () => {
  const log = newRecentLog();
  for (let number = 0; number < 10_000; number++) log.add(entry(`e${number}`));
  const kept = log.list({}, 1_000_000);
  assert.ok(kept.length >= 2_000 && kept.length <= 4_000, `${kept.length}`);
  assert.equal(kept.at(-1)?.event, "e9999");
});

Deno.test("a follower gets what was there, then what comes, and ends with its signal", async () => {
  const log = newRecentLog();
  log.add(entry("first"));
  log.add(entry("noise", {}, "debug"));
  const stop = new AbortController();
  const batches = log.follow({ level: "info" }, 10, stop.signal)[Symbol.asyncIterator]();
  const next = async () => (await batches.next()).value?.map(({ event }: { event: string }) => event);
  assert.deepEqual(await next(), ["first"]);
  const coming = next();
  log.add(entry("noise", {}, "debug"));
  log.add(entry("second"));
  assert.deepEqual(await coming, ["second"]);
  log.add(entry("third"));
  log.add(entry("fourth"));
  assert.deepEqual(await next(), ["third", "fourth"]);
  const last = batches.next();
  stop.abort();
  assert.equal((await last).done, true);
});
