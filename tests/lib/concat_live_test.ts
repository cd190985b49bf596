import assert from "node:assert/strict";
import { concatLive } from "../../src/lib/concat_live.ts";
import { newLive } from "../../src/lib/live.ts";

Deno.test("several live lists read as one and keep their identity until one changes", () => {
  const [first, second] = [newLive<readonly number[]>([1]), newLive<readonly number[]>([2, 3])];
  const all = concatLive(first, second);
  const before = all.current;
  assert.deepEqual(before, [1, 2, 3]);
  assert.equal(all.current, before);
  second.set([4]);
  assert.deepEqual(all.current, [1, 4]);
});

Deno.test("whoever watches several live lists hears of a change in any of them", async () => {
  const [first, second] = [newLive<readonly number[]>([1]), newLive<readonly number[]>([2])];
  const stop = new AbortController();
  const changes = concatLive(first, second).changes(stop.signal)[Symbol.asyncIterator]();
  for (const [list, value, expected] of [[second, [3], [1, 3]], [first, [], [3]]] as const) {
    const next = changes.next();
    list.set(value);
    assert.deepEqual((await next).value, expected);
  }
  stop.abort();
  assert.equal((await changes.next()).done, true);
});
