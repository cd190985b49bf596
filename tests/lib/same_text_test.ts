import assert from "node:assert/strict";
import { isSameText } from "../../src/lib/same_text.ts";

Deno.test("a secret is the same only as a whole", () => {
  assert.ok(isSameText("K7WNP3QD", "K7WNP3QD"));
  for (const other of ["", "K", "K7WNP3Q", "K7WNP3QE", "K7WNP3QDD", "k7wnp3qd", "X7WNP3QD"]) {
    assert.ok(!isSameText(other, "K7WNP3QD"), other);
  }
});

Deno.test("a text that differs at its beginning takes as long as one that differs at its end", () => {
  const secret = "a".repeat(200_000);
  const took = (given: string) => {
    const times = Array.from({ length: 15 }, () => {
      const beganAt = performance.now();
      isSameText(given, secret);
      return performance.now() - beganAt;
    });
    return times.toSorted((a, b) => a - b)[0] ?? 0;
  };
  took(secret);
  const [early, late] = [took(`b${secret.slice(1)}`), took(`${secret.slice(1)}b`)];
  // A comparison that stops at the first difference would be thousands of times faster on the first.
  assert.ok(early > late / 5, `${early} ms, ${late} ms`);
});
