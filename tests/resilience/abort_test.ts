import assert from "node:assert/strict";
import { orAborted } from "../../src/resilience/abort.ts";

const never = new Promise<never>(() => {});

Deno.test("a wait ends with its signal, also with one that has fired before", async () => {
  const stop = new AbortController();
  const waiting = orAborted(never, stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(orAborted(never, stop.signal), /enough/);
});

Deno.test("what the work gives or throws comes through, and nobody minds what it throws too late", async () => {
  const stop = new AbortController();
  assert.equal(await orAborted(Promise.resolve(1), stop.signal), 1);
  await assert.rejects(orAborted(Promise.reject(new Error("broken")), stop.signal), /broken/);
  const late = Promise.withResolvers<never>();
  const waiting = orAborted(late.promise, stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  late.reject(new Error("too late"));
  await new Promise((resolve) => setTimeout(resolve));
});
