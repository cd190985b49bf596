import assert from "node:assert/strict";
import { untilAborted } from "../../src/resilience/abort.ts";

const never = new Promise<never>(() => {});

Deno.test("a wait ends with its signal, also with one that has fired before", async () => {
  const stop = new AbortController();
  const waiting = untilAborted(never, stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(untilAborted(never, stop.signal), /enough/);
});

Deno.test("what the work gives or throws comes through, and nobody minds what it throws too late", async () => {
  const stop = new AbortController();
  assert.equal(await untilAborted(Promise.resolve(1), stop.signal), 1);
  await assert.rejects(untilAborted(Promise.reject(new Error("broken")), stop.signal), /broken/);
  const late = Promise.withResolvers<never>();
  const waiting = untilAborted(late.promise, stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  late.reject(new Error("too late"));
  await new Promise((resolve) => setTimeout(resolve));
});
