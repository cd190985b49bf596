import assert from "node:assert/strict";
import { deepFreeze, keepSame } from "../../src/config/same.ts";
import { newSecret } from "../../src/core/secret.ts";

Deno.test("a value that says the same is the previous one", () => {
  const before = { agents: [{ id: "ana", tools: ["a"] }], key: newSecret("k") };
  assert.equal(keepSame(before, { agents: [{ id: "ana", tools: ["a"] }], key: newSecret("k") }), before);
});

Deno.test("what has not changed keeps its identity inside what has", () => {
  const before = { agents: [{ id: "ana" }, { id: "bob", open: false }], key: newSecret("k") };
  const after = keepSame(before, {
    agents: [{ id: "zoe" }, { id: "ana" }, { id: "bob", open: true }],
    key: newSecret("k"),
  });
  assert.equal(after.agents[1], before.agents[0]);
  assert.notEqual(after.agents[2], before.agents[1]);
  assert.equal(after.key, before.key);
});

Deno.test("another secret, another order and another number of keys are changes", () => {
  const secret = { key: newSecret("old") };
  assert.equal(keepSame(secret, { key: newSecret("new") }).key.reveal(), "new");
  const ordered = { a: 1, b: 2 };
  assert.deepEqual(Object.keys(keepSame(ordered, { b: 2, a: 1 })), ["b", "a"]);
  assert.deepEqual(keepSame<Record<string, number>>(ordered, { a: 1 }), { a: 1 });
});

Deno.test("frozen data cannot be changed at any depth", () => {
  const data = deepFreeze({ list: [{ a: 1 }] });
  assert.throws(() => Object.assign(data.list[0] ?? {}, { a: 2 }), TypeError);
});
