import assert from "node:assert/strict";
import { toRichText } from "../../src/lib/rich_text.ts";
import { splitRichText } from "../../src/lib/split_rich_text.ts";

function splitText(text: string, maxUnits: number): string[] {
  return splitRichText({ text, entities: [] }, maxUnits).map((part) => part.text);
}

Deno.test("split leaves a text that fits alone", () => {
  assert.deepEqual(splitText("short", 5), ["short"]);
});

Deno.test("split prefers the end of a paragraph, then of a line, of a sentence, of a word", () => {
  assert.deepEqual(splitText("aaa bbb\n\nccc ddd", 12), ["aaa bbb", "ccc ddd"]);
  assert.deepEqual(splitText("aaa bbb\nccc ddd", 12), ["aaa bbb", "ccc ddd"]);
  assert.deepEqual(splitText("Aaa bbb. Ccc ddd", 12), ["Aaa bbb.", "Ccc ddd"]);
  assert.deepEqual(splitText("aaa bbb ccc ddd", 12), ["aaa bbb ccc", "ddd"]);
});

Deno.test("split keeps the spaces that indent a line", () => {
  assert.deepEqual(splitText("aaaa bbbb\n  cccc", 12), ["aaaa bbbb", "  cccc"]);
});

Deno.test("split breaks neither surrogate pairs nor characters of several code points", () => {
  for (const character of ["😀", "👩‍👩‍👧", "e\u0301", "🇩🇪"]) {
    const text = character.repeat(200);
    for (const maxUnits of [50, 51, 52, 53]) {
      const parts = splitText(text, maxUnits);
      assert.equal(parts.join(""), text);
      for (const part of parts) {
        assert.ok(part.length <= maxUnits && part.isWellFormed());
        assert.equal(part.replaceAll(character, ""), "", `${character} at ${maxUnits}`);
      }
    }
  }
});

Deno.test("split keeps surrogate pairs whole in a character that is longer than a message", () => {
  const text = "👩" + "\u200d👩".repeat(200);
  const parts = splitText(text, 64);
  assert.equal(parts.join(""), text);
  for (const part of parts) assert.ok(part.isWellFormed() && part.length <= 64);
});

Deno.test("split closes formatting at a cut and goes on with it in the next part", () => {
  const rich = toRichText(`**${"word ".repeat(10).trim()}** after`);
  const parts = splitRichText(rich, 30);
  assert.equal(parts.length, 2);
  for (const part of parts) {
    const [bold] = part.entities;
    assert.equal(bold?.type, "bold");
    assert.equal(bold?.offset, 0);
    assert.ok((bold?.length ?? 0) <= part.text.length);
  }
  assert.equal(parts[1]?.text.slice(0, parts[1].entities[0]?.length), "word word word word");
});

Deno.test("split makes no part of nothing but blank lines", () => {
  assert.deepEqual(splitText(`aaaaaaaa\n${"\n".repeat(40)}bbbbbbbb`, 10), ["aaaaaaaa", "bbbbbbbb"]);
  assert.deepEqual(splitText("  \n \n", 10), []);
});

Deno.test("split loses no word of random texts and keeps every part within its limit", () => {
  let seed = 7;
  const random = (below: number) => (seed = seed * 48271 % 2147483647) % below;
  for (let round = 0; round < 200; round++) {
    const pieces = Array.from(
      { length: 60 },
      () => ["word", "😀", " ", "\n", ". ", "\n\n", "x".repeat(random(40))][random(7)],
    );
    const text = pieces.join("");
    const parts = splitText(text, 30 + random(20));
    assert.equal(parts.join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
    for (const part of parts) assert.ok(part.length <= 50 && part.isWellFormed() && part.trim() !== "");
  }
});
