import assert from "node:assert/strict";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { type LogOptions, type LogOutput, openLog } from "../../src/telemetry/log.ts";

const quiet: LogOptions = { level: "info", format: "json", redact: true };

/** An output that remembers, and that can be made to take its time. */
function newMemoryOutput(look: { terminal: boolean; color: boolean } = { terminal: false, color: false }) {
  const writes: string[] = [];
  let gate = Promise.resolve();
  const output: LogOutput = {
    ...look,
    async write(bytes) {
      await gate;
      writes.push(new TextDecoder().decode(bytes));
    },
  };
  const hold = (): () => void => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    return resolve;
  };
  return { output, writes, hold, text: () => writes.join("") };
}

function openTestLog(options: Partial<LogOptions> = {}, memory = newMemoryOutput()) {
  const clock = newFakeClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  return { memory, log: openLog({ clock, output: memory.output }, { ...quiet, ...options }) };
}

Deno.test("an entry is one JSON line with time, level, event and flat fields", async () => {
  const { log, memory } = openTestLog();
  log.info("turn.ended", { agent: "ana", tookMs: 12, resumed: false, reason: undefined });
  await log[Symbol.asyncDispose]();
  assert.equal(
    memory.text(),
    `{"at":"2026-01-02T03:04:05.678Z","level":"info","event":"turn.ended","agent":"ana","tookMs":12,"resumed":false}\n`,
  );
});

Deno.test("the pretty form puts time, level, event and fields on one line and quotes what has spaces", async () => {
  const { log, memory } = openTestLog({ format: "pretty" });
  log.warn("config.refused", { file: "llm.yaml", error: "two words", empty: "" });
  await log[Symbol.asyncDispose]();
  assert.match(
    memory.text(),
    /^\d\d:\d\d:05\.678 warn {2}config\.refused file=llm\.yaml error="two words" empty=""\n$/,
  );
});

Deno.test("auto is pretty with colours on a terminal and JSON elsewhere", async () => {
  for (const terminal of [true, false]) {
    const { log, memory } = openTestLog({ format: "auto" }, newMemoryOutput({ terminal, color: terminal }));
    log.info("app.ready");
    await log[Symbol.asyncDispose]();
    assert.equal(memory.text().includes("\u001b[36minfo"), terminal);
    assert.equal(memory.text().startsWith("{"), !terminal);
  }
});

Deno.test("the level can be changed while running, for children too", async () => {
  const { log, memory } = openTestLog();
  const child = log.with({ agent: "ana" });
  child.debug("lane.taken");
  log.configure({ level: "debug", format: "json", redact: true });
  child.debug("lane.freed", { depth: 1 });
  log.configure({ level: "error", format: "json", redact: true });
  child.warn("lane.full");
  await log[Symbol.asyncDispose]();
  assert.deepEqual(memory.text().trim().split("\n").map((line) => JSON.parse(line)), [
    { at: "2026-01-02T03:04:05.678Z", level: "debug", event: "lane.freed", agent: "ana", depth: 1 },
  ]);
});

Deno.test("entries of one go leave in one write, and a slow output delays nobody", async () => {
  const { log, memory } = openTestLog();
  const release = memory.hold();
  log.info("a.one");
  log.info("a.two");
  await Promise.resolve();
  await Promise.resolve();
  log.info("a.three");
  assert.equal(memory.writes.length, 0);
  release();
  await log[Symbol.asyncDispose]();
  assert.deepEqual(memory.writes.map((text) => text.split("\n").length - 1), [2, 1]);
});

Deno.test("an output that is far behind loses entries, bounded and counted", async () => {
  const { log, memory } = openTestLog({ redact: false });
  const release = memory.hold();
  const long = "x".repeat(1_900);
  for (let index = 0; index < 3_000; index++) log.info("a.flood", { long });
  release();
  while (memory.writes.length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  log.info("a.after");
  await log[Symbol.asyncDispose]();
  const lines = memory.text().trim().split("\n").map((line) => JSON.parse(line));
  const lost = lines.find((line) => line.event === "log.entries_lost");
  assert.equal(lost.count, 3_000 - lines.filter((line) => line.event === "a.flood").length);
  assert.equal(lines.at(-1).event, "a.after");
});

Deno.test("a broken output ends the log and nothing else", async () => {
  const output = { terminal: false, color: false, write: () => Promise.reject(new Deno.errors.BrokenPipe("gone")) };
  const log = openLog({ clock: newFakeClock(), output }, quiet);
  log.info("a.one");
  await log[Symbol.asyncDispose]();
  log.info("a.two");
  await log[Symbol.asyncDispose]();
});

Deno.test("a value cannot forge a line nor steer the terminal", async () => {
  for (const format of ["json", "pretty"] as const) {
    const { log, memory } = openTestLog({ format });
    log.info("a.b", { name: "x\n2026 error forged\u001b[2J\u009b31m\u202e" });
    await log[Symbol.asyncDispose]();
    assert.equal(memory.text().split("\n").length, 2);
    // deno-lint-ignore no-control-regex -- control characters are what this is about
    assert.doesNotMatch(memory.text(), /[\u001b\u009b\u202e]/);
  }
});

Deno.test("long values are cut", async () => {
  const { log, memory } = openTestLog();
  log.info("a.b", { text: "y".repeat(100_000) });
  await log[Symbol.asyncDispose]();
  assert.ok(memory.text().length < 2_200);
});

Deno.test("secrets in values are blanked, unless that is turned off", async () => {
  const token = `12345678:${"A".repeat(35)}`;
  for (const redact of [true, false]) {
    const { log, memory } = openTestLog({ redact });
    log.with({ url: `https://api.telegram.org/bot${token}/getMe` }).error("telegram.failed", { error: `401 ${token}` });
    await log[Symbol.asyncDispose]();
    assert.equal(memory.text().includes(token), !redact);
  }
});
