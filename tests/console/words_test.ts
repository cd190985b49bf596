import assert from "node:assert/strict";
import { splitSpans } from "../../console/spans.ts";
import { decoded } from "../../console/words.ts";

Deno.test("an address that somebody has made up breaks no page", () => {
  assert.equal(decoded("ana%2Fapi%20x"), "ana/api x");
  for (const part of ["%", "%zz", "%E0%A4%A", "100%"]) assert.equal(decoded(part), part);
});

Deno.test("code, emphasis and links are found, and nothing but the web is a link", () => {
  const pieces = splitSpans("a `b` **c** *d* [e](https://f.example) https://g.example. [h](javascript:alert) [i][j]");
  const found = pieces.filter((_, index) => index % 2 === 1);
  assert.deepEqual(found, ["`b`", "**c**", "*d*", "[e](https://f.example)", "https://g.example."]);
});

Deno.test("brackets, stars and ticks without end keep the page no longer busy than words do", () => {
  for (const piece of ["[", "[a](", "[[a]", "*", "*a ", "**", "`", "[x](https://"]) {
    const startedMs = performance.now();
    splitSpans(piece.repeat(200_000));
    // Looking on to the end from every bracket takes minutes.
    assert.ok(performance.now() - startedMs < 5_000, piece);
  }
});
