import assert from "node:assert/strict";
import { never, newFact, openTestMemory, operator } from "./room.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

const ask = { text: "where is the lighthouse", limit: 5, counts: false };

Deno.test("what is too long, has too many tags or makes no sense is refused with the limit, and counted", async () => {
  await using test = await openTestMemory();
  const { memory, metrics } = test;
  const remember = (fact: Parameters<typeof newFact>) => memory.remember("ana", newFact(...fact), operator, never);
  const long = await rejectsWith("invalid", remember(["x".repeat(1_000_000)]));
  assert.match(long.message, /1000000 characters is too long: at most 4000/);
  const tags = Array.from({ length: 100_000 }, (_, index) => `tag${index}`);
  assert.match((await rejectsWith("invalid", remember(["x", { tags }]))).message, /100000 tags .* at most 32/);
  await rejectsWith("invalid", remember(["x", { tags: ["t".repeat(65)] }]));
  await rejectsWith("invalid", remember(["  "]));
  await rejectsWith("invalid", remember(["x", { importance: NaN }]));
  await rejectsWith("invalid", remember(["x", { audience: "person" }]));
  await rejectsWith("invalid", memory.recall("ana", { ...ask, text: "y ".repeat(50_000) }, operator, never));
  await rejectsWith("invalid", memory.list("ana", { limit: 5, after: "1; DROP TABLE facts" }, operator, never));
  assert.equal((await memory.list("ana", { limit: 5 }, operator, never)).total, 0);
  assert.equal(metrics.valueOf("nexo_refusals_total", { part: "memory", reason: "too_long" }), 2);
});

Deno.test("an agent's facts have a bound, and forgetting makes room", async () => {
  await using test = await openTestMemory({ longTerm: { max_facts: 2 } });
  const { memory } = test;
  const first = await memory.remember("ana", newFact("one"), operator, never);
  await memory.remember("ana", newFact("two"), operator, never);
  const error = await rejectsWith("invalid", memory.remember("ana", newFact("three"), operator, never));
  assert.match(error.message, /more than 2 facts.*long_term.max_facts/);
  await memory.forget("ana", [first.id], operator, never);
  await memory.remember("ana", newFact("three"), operator, never);
});

Deno.test("a full disk refuses the fact and nothing else: recall and forget go on, and with space all is well", async () => {
  await using test = await openTestMemory({ longTerm: { max_bytes: 1_000_000, embedder: { kind: "none" } } });
  const { memory } = test;
  const kept = await memory.remember("ana", newFact("The lighthouse is on the hill"), operator, never);
  const words = (index: number) => Array.from({ length: 300 }, (_, word) => `w${index}x${word}`).join(" ");
  const ids: string[] = [];
  const fill = async () => {
    for (let index = 0; index < 500; index++) {
      ids.push((await memory.remember("ana", newFact(words(index)), operator, never)).id);
    }
  };
  const error = await rejectsWith("unavailable", fill());
  assert.equal(error.reason, "disk_full");
  const counted = { ...ask, counts: true };
  assert.equal((await memory.recall("ana", counted, operator, never)).facts[0]?.id, kept.id);
  const { total } = await memory.list("ana", { limit: 1 }, operator, never);
  assert.equal(total, ids.length + 1, "nothing half-done");
  await memory.forget("ana", ids, operator, never);
  await memory.remember("ana", newFact("There is space again"), operator, never);
  assert.equal((await memory.find("ana", kept.id, operator, never))?.recallCount, 1);
});

const damages: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "is no database": (path) => Deno.writeTextFile(path, "this is a letter, not a database ".repeat(1_000)),
  "lost its end": async (path) => await Deno.truncate(path, Math.floor((await Deno.stat(path)).size / 2)),
  "has garbage in its middle": async (path) => {
    using file = await Deno.open(path, { write: true });
    const { size } = await file.stat();
    await file.seek(8_192, Deno.SeekMode.Start);
    await file.write(crypto.getRandomValues(new Uint8Array(Math.min(65_536, size - 8_192))));
  },
};

for (const [what, damage] of Object.entries(damages)) {
  Deno.test(`a file that ${what} is set aside whole and said so, and its agent goes on with a new one`, async () => {
    const folder = await Deno.makeTempDir();
    {
      await using test = await openTestMemory({ folder });
      for (let index = 0; index < 40; index++) {
        await test.memory.remember("ana", newFact(`The lighthouse has step number ${index}`), operator, never);
      }
      await test.memory.remember("ben", newFact("Ben is not concerned"), operator, never);
    }
    await damage(`${folder}/ana/memory.db`);
    const damagedBytes = await Deno.readFile(`${folder}/ana/memory.db`);
    await using test = await openTestMemory({ folder });
    const { memory, log } = test;
    assert.deepEqual((await memory.recall("ana", ask, operator, never)).facts, []);
    await memory.remember("ana", newFact("The lighthouse is new"), operator, never);
    assert.equal((await memory.recall("ana", ask, operator, never)).facts.length, 1);
    assert.equal((await memory.list("ben", { limit: 1 }, operator, never)).total, 1);
    const entry = log.entries.find(({ event }) => event === "memory.damaged");
    const movedTo = String(entry?.fields["movedTo"]);
    assert.deepEqual(await Deno.readFile(movedTo), damagedBytes);
    const [status] = memory.status();
    assert.equal(status?.state, "degraded");
    assert.match(status?.reason ?? "", /set aside: .*memory\.db\.damaged-/);
    await memory[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("without the library of vectors facts are found by their words, status says so, and with it they have vectors", async () => {
  const folder = await Deno.makeTempDir();
  {
    await using test = await openTestMemory({ folder, vectorLibrary: "/nowhere/vec0.so" });
    await test.memory.remember("ana", newFact("The lighthouses are white"), operator, never);
    await test.memory.remember("ana", newFact("where the lighthouse is"), operator, never);
    const { facts, mode, reason } = await test.memory.recall("ana", ask, operator, never);
    assert.equal(facts.length, 1);
    assert.equal(mode, "words");
    assert.match(reason ?? "", /nowhere\/vec0/);
    assert.match(test.memory.status()[0]?.reason ?? "", /found by their words only/);
    await test.indexed(2);
  }
  await using test = await openTestMemory({ folder });
  const { facts, mode } = await test.memory.recall("ana", ask, operator, never);
  assert.equal(mode, "hybrid");
  assert.equal(facts.length, 2);
  await test.memory[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("100,000 tags of an agent's facts do not hinder finding one", async () => {
  await using test = await openTestMemory({ longTerm: { embedder: { kind: "none" } } });
  const { memory } = test;
  const facts = Array.from(
    { length: 3_125 },
    (_, index) => newFact(`Number ${index}`, { tags: Array.from({ length: 32 }, (_, tag) => `tag-${index}-${tag}`) }),
  );
  for (let at = 0; at < facts.length; at += 200) {
    await Promise.all(facts.slice(at, at + 200).map((fact) => memory.remember("ana", fact, operator, never)));
  }
  const { facts: found } = await memory.list("ana", { limit: 5, tags: ["tag-1234-7"] }, operator, never);
  assert.deepEqual(found.map(({ text }) => text), ["Number 1234"]);
});

Deno.test("facts in other scripts are found by their words and by pieces of them", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  for (
    const text of ["東京タワーは赤いです", "서울은 한국의 수도입니다", "Ёлка стоит в углу", "Η Αθήνα είναι μεγάλη"]
  ) {
    await memory.remember("ana", newFact(text), operator, never);
  }
  await test.indexed(4);
  for (const [text, found] of [["東京", /東京/], ["서울", /서울/], ["ёлка", /Ёлка/], ["αθήνα", /Αθήνα/]] as const) {
    const { facts } = await memory.recall("ana", { text, limit: 1, counts: false }, operator, never);
    assert.match(facts[0]?.text ?? "", found);
  }
});
