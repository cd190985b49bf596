import assert from "node:assert/strict";
import { compareLines } from "../../src/lib/compare_lines.ts";

const lines = (text: string) => text.split("\n");

Deno.test("a difference shows what goes and comes with three lines around, and says where", () => {
  const before = lines("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm");
  const after = lines("a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\nm");
  assert.deepEqual(compareLines(before, after), [
    "@@ line 1 @@",
    " a",
    "-b",
    "+B",
    " c",
    " d",
    " e",
    "@@ line 9 @@",
    " i",
    " j",
    " k",
    "-l",
    " m",
  ]);
});

Deno.test("equal texts have no difference, and a text that comes or goes as a whole is all of one sign", () => {
  assert.deepEqual(compareLines(lines("a\nb"), lines("a\nb")), []);
  assert.deepEqual(compareLines([], ["x", "y"]), ["@@ line 1 @@", "+x", "+y"]);
  assert.deepEqual(compareLines(["x", "y"], []), ["@@ line 1 @@", "-x", "-y"]);
});

Deno.test("what stays between two changes is not told as gone", () => {
  const changes = compareLines(lines("1\nsame\n2"), lines("one\nsame\ntwo"));
  assert.deepEqual(changes, ["@@ line 1 @@", "-1", "+one", " same", "-2", "+two"]);
});

Deno.test("texts too different to be compared line by line are told as a whole", () => {
  const before = Array.from({ length: 2_000 }, (_, line) => `old ${line}`);
  const after = Array.from({ length: 2_000 }, (_, line) => `new ${line}`);
  assert.equal(compareLines(before, after).length, 4_001);
});
