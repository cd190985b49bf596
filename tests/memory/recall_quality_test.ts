import assert from "node:assert/strict";
import { toAskedWords } from "../../src/memory/words.ts";
import { measureRecall, readRecallSet, type RecallCase } from "./recall_set.ts";
import { never, newFact, openTestMemory, operator } from "./room.ts";

Deno.test("the set has 200 facts and questions in two languages, a third of them without a common word", async () => {
  const set = await readRecallSet();
  assert.ok(new Set(set.map(({ fact }) => fact)).size >= 200);
  assert.ok(new Set(set.map(({ question }) => question)).size >= 200);
  const paraphrases = set.filter(({ kind }) => kind === "paraphrase");
  assert.ok(paraphrases.length >= set.length / 3);
  for (const language of ["en", "es"]) assert.ok(set.filter((one) => one.language === language).length >= 100);
  for (const { fact, question } of paraphrases) {
    const words = new Set(toAskedWords(fact));
    assert.deepEqual(toAskedWords(question).filter((word) => words.has(word)), [], question);
  }
});

Deno.test("what docs/performance.md says of recall@5 holds: words alone find 39 %, words and vectors twice as much", async () => {
  const set = await readRecallSet();
  const measure = async (longTerm: unknown, share: (one: RecallCase) => boolean = () => true) => {
    await using test = await openTestMemory({ longTerm });
    const places = new Map<string, number>();
    await Promise.all(set.map(async ({ fact }, place) => {
      places.set((await test.memory.remember("ana", newFact(fact), operator, never)).id, place);
    }));
    if (longTerm === undefined) await test.indexed(set.length);
    return await measureRecall(set, async (text) => {
      const { facts } = await test.memory.recall("ana", { text, limit: 5, counts: false }, operator, never);
      return facts.map(({ id }) => places.get(id) ?? -1);
    }, share);
  };
  const words = await measure({ embedder: { kind: "none" } });
  const hybrid = await measure(undefined);
  assert.ok(words > 0.35 && words < 0.45, `words alone: ${words}`);
  assert.ok(hybrid >= 0.76, `hybrid: ${hybrid}`);
  const paraphrased = await measure(undefined, ({ language, kind }) => language === "en" && kind === "paraphrase");
  assert.ok(paraphrased >= 0.7, `English paraphrases: ${paraphrased}`);
});
