import assert from "node:assert/strict";
import { isNestedDeeperThan } from "../../src/lib/depth.ts";

Deno.test("the depth of a text of JSON is that of its brackets, not of those in its strings", () => {
  assert.equal(isNestedDeeperThan('{"a":[{"b":1}]}', 3), false);
  assert.equal(isNestedDeeperThan('{"a":[{"b":1}]}', 2), true);
  assert.equal(isNestedDeeperThan('["[[[[", "\\"[[[[", "\\\\", "[["]', 1), false);
  assert.equal(isNestedDeeperThan('["\\\\",[1]]', 1), true);
  assert.equal(isNestedDeeperThan("[[1],[2],[3]]", 2), false);
  assert.equal(isNestedDeeperThan('["never closed [[[[', 1), false);
  assert.equal(isNestedDeeperThan("[".repeat(500_000), 64), true);
});
