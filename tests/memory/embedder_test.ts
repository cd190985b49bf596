import assert from "node:assert/strict";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { type EmbeddingsMood, openFakeEmbeddings } from "./fake_embeddings.ts";
import { never, newFact, openTestMemory, operator, toLongTerm } from "./room.ts";

const soon = () => AbortSignal.timeout(60_000);
const ask = (text: string) => ({ text, limit: 5, counts: false });
const openAi = (baseUrl: string, more: object = {}) => ({
  embedder: { kind: "openai_compatible", model: "fake", base_url: baseUrl, api_key: "secret-key", ...more },
});

Deno.test("an OpenAI-compatible API gets facts in batches with the key, and a question once", async () => {
  await using api = openFakeEmbeddings();
  await using test = await openTestMemory({ longTerm: openAi(api.baseUrl, { batch_size: 4, dimensions: 16 }) });
  const facts = Array.from({ length: 9 }, (_, index) => newFact(`river number ${index}`));
  await Promise.all(facts.map((fact) => test.memory.remember("ana", fact, operator, never)));
  await test.indexed(9);
  assert.ok(api.requests.every((texts) => texts.length <= 4), JSON.stringify(api.requests.map(({ length }) => length)));
  assert.equal(api.calls[0]?.path, "/embeddings");
  assert.equal(api.calls[0]?.headers.get("authorization"), "Bearer secret-key");
  assert.deepEqual(
    (({ model, dimensions, encoding_format }) => [model, dimensions, encoding_format])(
      JSON.parse(api.calls[0]?.body ?? ""),
    ),
    ["fake", 16, "float"],
  );
  const before = api.requests.length;
  for (let time = 0; time < 3; time++) {
    const { mode, facts: found } = await test.memory.recall("ana", ask("river number 3"), operator, never);
    assert.equal(mode, "hybrid");
    assert.equal(found[0]?.text, "river number 3");
  }
  assert.equal(api.requests.length, before + 1, "the question's vector is kept");
});

Deno.test("Gemini is told which texts are facts and which are questions", async () => {
  await using api = openFakeEmbeddings();
  await using test = await openTestMemory({
    longTerm: { embedder: { kind: "gemini", base_url: api.baseUrl, api_key: "secret-key", dimensions: 16 } },
  });
  await test.memory.remember("ana", newFact("a river"), operator, never);
  await test.indexed(1);
  const { mode } = await test.memory.recall("ana", ask("which river"), operator, never);
  assert.equal(mode, "hybrid");
  const [fact, question] = api.calls;
  assert.equal(fact?.path, "/v1beta/models/gemini-embedding-001:batchEmbedContents");
  assert.equal(fact?.headers.get("x-goog-api-key"), "secret-key");
  assert.deepEqual(JSON.parse(fact?.body ?? "").requests[0], {
    model: "models/gemini-embedding-001",
    content: { parts: [{ text: "a river" }] },
    taskType: "RETRIEVAL_DOCUMENT",
    outputDimensionality: 16,
  });
  assert.match(question?.body ?? "", /RETRIEVAL_QUERY/);
});

const moods: Readonly<Record<string, [mood: EmbeddingsMood, says: RegExp]>> = {
  "answers another dimension": [{ dimension: 24 }, /24 numbers instead of 16/],
  // The facts and the question together may be failures enough for the breaker.
  hangs: [{ fault: "hang" }, /took longer than|paused after repeated failures/],
  fails: [{ status: 500 }, /HTTP 500|paused after repeated failures/],
  "refuses the key": [{ status: 401 }, /refused the key.*api_key/],
  "does not know the model": [{ status: 404 }, /HTTP 404.*long_term.embedder/],
  "answers NaN": [{ fault: "nan" }, /numbers that are none/],
  "answers a vector of length zero": [{ fault: "zero" }, /of length 0/],
  "answers a vector without numbers": [{ fault: "empty" }, /without numbers/],
  "answers too few vectors": [{ fault: "few" }, /0 vectors for 1 texts/],
  "answers no JSON": [{ fault: "garbage" }, /no JSON/],
};

for (const [what, [mood, says]] of Object.entries(moods)) {
  Deno.test(`while the embedder ${what} facts are stored and found by their words, with the reason`, async () => {
    await using api = openFakeEmbeddings();
    const settings = what === "hangs" ? { timeout: "2s", question_timeout: "2s" } : {};
    await using test = await openTestMemory({ longTerm: openAi(api.baseUrl, settings), random: () => 0 });
    const { memory } = test;
    await memory.remember("ana", newFact("a wide river"), operator, never);
    await test.indexed(1);
    api.become(mood);
    const { id } = await memory.remember("ana", newFact("a deep river"), operator, never);
    const { facts, mode, reason } = await memory.recall("ana", ask("deep river"), operator, never);
    assert.equal(facts[0]?.id, id);
    assert.equal(facts.length, 2);
    assert.equal(mode, "words");
    assert.match(reason ?? "", says);
    assert.doesNotMatch(reason ?? "", /secret-key/);
    const entry = await test.log.nextEntry(({ event }) => event === "memory.embedding_failed", soon());
    assert.match(String(entry.fields["error"]), says);
    assert.match(memory.status()[0]?.reason ?? "", /have no vector yet/);
    assert.doesNotMatch(JSON.stringify(test.log.entries), /secret-key|deep river/);
  });
}

Deno.test("an embedder that failed five times is left alone for a while", async () => {
  await using api = openFakeEmbeddings({ status: 500 });
  await using test = await openTestMemory({ longTerm: openAi(api.baseUrl), random: () => 0 });
  const reasons: string[] = [];
  for (let index = 0; index < 4; index++) {
    const { reason } = await test.memory.recall("ana", ask(`question ${index}`), operator, never);
    reasons.push(reason ?? "");
  }
  assert.match(reasons.at(-1) ?? "", /paused after repeated failures/);
  assert.ok(api.requests.length <= 6, `${api.requests.length} requests`);
});

Deno.test("another model makes new vectors in the background while recall goes on, and after it all have them", async () => {
  await using api = openFakeEmbeddings();
  await using test = await openTestMemory({ longTerm: openAi(api.baseUrl, { batch_size: 2 }) });
  const { memory } = test;
  for (const text of ["a wide river", "a deep lake", "a high hill", "a dark wood"]) {
    await memory.remember("ana", newFact(text), operator, never);
  }
  await test.indexed(4);
  api.become({ fault: "hang" });
  test.config.set(toLongTerm(openAi(api.baseUrl, { model: "other", batch_size: 2, question_timeout: "200ms" })));
  const meanwhile = await memory.recall("ana", ask("wide river"), operator, never);
  assert.equal(meanwhile.facts[0]?.text, "a wide river");
  api.become({ dimension: 24 });
  test.config.set(toLongTerm(openAi(api.baseUrl, { model: "third", batch_size: 2 })));
  const seen = test.metrics.valueOf("nexo_memory_indexed_total");
  await memory.recall("ana", ask("high hill"), operator, never);
  await test.indexed(seen + 4);
  const { mode, facts } = await memory.recall("ana", ask("dark wood"), operator, never);
  assert.deepEqual([mode, facts[0]?.text], ["hybrid", "a dark wood"]);
});

Deno.test("a remote embedder without a key is a fault of the config", () => {
  assert.throws(() => toLongTerm({ embedder: { kind: "gemini" } }), /api_key/);
});

Deno.test("a recall that is given up leaves", async () => {
  await using api = openFakeEmbeddings({ fault: "hang" });
  await using test = await openTestMemory({ longTerm: openAi(api.baseUrl) });
  const given = new AbortController();
  const recalled = test.memory.recall("ana", ask("x"), operator, given.signal);
  await api.untilAsked(1, soon());
  given.abort();
  await rejectsWith("cancelled", recalled);
});
