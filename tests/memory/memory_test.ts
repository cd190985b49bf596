import assert from "node:assert/strict";
import { never, newFact, openTestMemory, operator, toGroup, toPrivate } from "./room.ts";

const anna = "telegram:1";
const ben = "telegram:2";

Deno.test("what was remembered is recalled by its words and by other forms of them, with where it comes from", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const told = await memory.remember(
    "ana",
    newFact("The library opens at nine on Saturdays", {
      tags: ["hours"],
      person: anna,
      sessionId: "ana/telegram/sales/1",
      turnId: "t1",
      messageId: "m1",
    }),
    operator,
    never,
  );
  await memory.remember("ana", newFact("Der Hund heißt Bello"), operator, never);
  await test.indexed(2);
  for (const text of ["When does the library open on saturday?", "librarys opening"]) {
    const { facts, mode } = await memory.recall("ana", { text, limit: 1, counts: true }, operator, never);
    assert.equal(mode, "hybrid");
    assert.equal(facts[0]?.id, told.id);
    assert.deepEqual(
      [facts[0]?.person, facts[0]?.sessionId, facts[0]?.turnId, facts[0]?.messageId, facts[0]?.tags],
      [anna, "ana/telegram/sales/1", "t1", "m1", ["hours"]],
    );
  }
  const page = await memory.list("ana", { limit: 10 }, operator, never);
  assert.equal(page.total, 2);
  const fact = page.facts.find(({ id }) => id === told.id);
  assert.equal(fact?.recallCount, 2);
  assert.ok((fact?.lastUsedAtMs ?? 0) >= told.createdAtMs);
});

Deno.test("a replacement is undone: what was replaced is found again, and what replaced it is gone", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const [one, two] = [
    await memory.remember("ana", newFact("The garage door code is 4711"), operator, never),
    await memory.remember("ana", newFact("The code of the garage is 4711"), operator, never),
  ];
  const made = await memory.remember("ana", newFact("Garage: 4711", { supersedes: [one.id, two.id] }), operator, never);
  assert.equal(await memory.restore("ana", made.id, never), true);
  assert.equal(await memory.restore("ana", made.id, never), false);
  const { facts } = await memory.list("ana", { limit: 10, all: true }, operator, never);
  assert.deepEqual(facts.map(({ id, supersededBy }) => [id, supersededBy]), [[two.id, undefined], [one.id, undefined]]);
  await test.indexed(2);
  const found = await memory.recall("ana", { text: "garage door", limit: 5, counts: false }, operator, never);
  assert.ok(found.facts.some(({ id }) => id === one.id));
});

Deno.test("a fact handed in twice under one key is one fact", async () => {
  await using test = await openTestMemory();
  const fact = newFact("Ana likes tea", { key: "turn1/step2" });
  const [one, two] = await Promise.all([
    test.memory.remember("ana", fact, operator, never),
    test.memory.remember("ana", fact, operator, never),
  ]);
  assert.equal(one.id, two.id);
  assert.equal((await test.memory.list("ana", { limit: 10 }, operator, never)).total, 1);
});

Deno.test("what one told in private is shown to nobody else and in no group, whatever is asked", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const secret = await memory.remember(
    "ana",
    newFact("Anna earns 54000 a year", { audience: "person", person: anna, tags: ["salary"] }),
    toPrivate(anna),
    never,
  );
  await test.indexed(1);
  const question = { text: "Anna earns 54000 a year", limit: 10, counts: true };
  const queries = [question, { ...question, tags: ["salary"] }, { ...question, person: anna }];
  const viewers = [
    toPrivate(ben),
    toGroup(anna, "g1"),
    toGroup(ben, "g1"),
    { kind: "talk" as const, isGroup: false, conversation: "ana/agent/ana/x" },
    // Somebody who is named like the conversation of another.
    toPrivate("ana/telegram/sales/telegram:1"),
  ];
  for (const viewer of viewers) {
    for (const query of queries) {
      assert.deepEqual((await memory.recall("ana", query, viewer, never)).facts, []);
      assert.deepEqual(await memory.list("ana", query, viewer, never), { facts: [], total: 0 });
    }
    assert.equal(await memory.find("ana", secret.id, viewer, never), undefined);
    assert.deepEqual(await memory.forget("ana", [secret.id], viewer, never), []);
    await assert.rejects(
      memory.remember("ana", newFact("Anna earns nothing", { supersedes: [secret.id] }), viewer, never),
      /there is none with this id/,
    );
  }
  const own = await memory.recall("ana", question, toPrivate(anna), never);
  assert.deepEqual(own.facts.map(({ id }) => id), [secret.id]);
});

Deno.test("what was told in a group stays in it, but for who told it and for what is for everyone", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const group = toGroup(anna, "g1");
  const place = { conversation: "ana/telegram/sales/g1", person: anna };
  const inside = await memory.remember(
    "ana",
    newFact("The party is at eight", { audience: "conversation", ...place }),
    group,
    never,
  );
  const open = await memory.remember("ana", newFact("The party has music", { ...place }), group, never);
  const seenBy = async (viewer: Parameters<typeof memory.recall>[2]) =>
    (await memory.recall("ana", { text: "party", limit: 10, counts: false }, viewer, never)).facts.map(({ id }) => id)
      .sort();
  const both = [inside.id, open.id].sort();
  assert.deepEqual(await seenBy(toGroup(ben, "g1")), both);
  assert.deepEqual(await seenBy(toPrivate(anna)), both);
  assert.deepEqual(await seenBy(toGroup(anna, "g2")), [open.id]);
  assert.deepEqual(await seenBy(toPrivate(ben)), [open.id]);
});

Deno.test("no name of an agent leads out of its own file", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const fact = await memory.remember("ana", newFact("The code is 4711", { tags: ["code"] }), operator, never);
  for (const agent of ["../ana", "ana/../ana", "ana/memory.db", "/ana", "", "ANA", "ana\0", ".", "..", "ben/../ana"]) {
    await assert.rejects(memory.list(agent, { limit: 10 }, operator, never), { kind: "missing" });
  }
  const queries = [
    { text: "The code is 4711" },
    { text: "facts of the agent ana: code 4711" },
    { text: "4711' OR 1=1 --" },
    { text: "code", tags: ["code"] },
    { text: "code", person: "%" },
  ];
  for (const query of queries) {
    const found = await memory.recall("ben", { ...query, limit: 10, counts: true }, operator, never);
    assert.deepEqual(found.facts, []);
  }
  assert.equal(await memory.find("ben", fact.id, operator, never), undefined);
  assert.deepEqual(await memory.forget("ben", [fact.id], operator, never), []);
  await assert.rejects(memory.remember("ben", newFact("x", { supersedes: [fact.id] }), operator, never), {
    kind: "invalid",
  });
  await memory.remember("ben", newFact("mine", { key: fact.id }), operator, never);
  assert.equal((await memory.list("ana", { limit: 10 }, operator, never)).total, 1);
});

Deno.test("operators of a full-text search are words", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  await memory.remember("ana", newFact("NEAR the station AND not far"), operator, never);
  await memory.remember("ana", newFact("tags:secret belongs elsewhere"), operator, never);
  for (
    const text of [
      '"',
      '""',
      "'",
      "NEAR(",
      "station AND",
      "NOT",
      "tags:secret",
      "text : station",
      "*",
      "st*",
      "^station",
      "(((",
      "a OR",
      "{text tags} : x",
      "-station",
      "+",
      "\0",
      "words MATCH 'x'",
      '" OR text:"',
      'station\u0000"; DROP TABLE facts; --',
      "😀".repeat(50),
    ]
  ) {
    await memory.recall("ana", { text, limit: 5, counts: false }, operator, never);
  }
  const { facts } = await memory.recall("ana", { text: 'station" NOT "far', limit: 5, counts: false }, operator, never);
  assert.match(facts[0]?.text ?? "", /station/);
});

Deno.test("filters by tag, person and time hold for words and for vectors", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const tea = await memory.remember(
    "ana",
    newFact("Anna drinks tea", { tags: ["drink", "hot"], person: anna }),
    operator,
    never,
  );
  const juice = await memory.remember(
    "ana",
    newFact("Ben drinks juice", { tags: ["drink"], person: ben }),
    operator,
    never,
  );
  await test.indexed(2);
  const ask = async (filter: object) =>
    (await memory.recall("ana", { text: "who drinks what", limit: 5, counts: false, ...filter }, operator, never)).facts
      .map(({ id }) => id);
  assert.deepEqual(await ask({ tags: ["drink", "hot"] }), [tea.id]);
  assert.deepEqual(await ask({ person: ben }), [juice.id]);
  assert.deepEqual(await ask({ tags: ["hot"], person: ben }), []);
  assert.equal((await ask({ sinceMs: tea.createdAtMs })).length, 2);
  assert.deepEqual(await ask({ sinceMs: juice.createdAtMs + 1 }), []);
  assert.deepEqual(await ask({ beforeMs: tea.createdAtMs }), []);
});

Deno.test("a fact that replaces another is recalled in its place, and forgetting it forgets both", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const old = await memory.remember("ana", newFact("The meeting is on Monday"), operator, never);
  const now = await memory.remember(
    "ana",
    newFact("The meeting is on Tuesday", { supersedes: [old.id] }),
    operator,
    never,
  );
  const { facts } = await memory.recall("ana", { text: "meeting Monday", limit: 5, counts: false }, operator, never);
  assert.deepEqual(facts.map(({ id, supersedes }) => [id, supersedes]), [[now.id, [old.id]]]);
  assert.equal((await memory.find("ana", old.id, operator, never))?.supersededBy, now.id);
  assert.equal((await memory.list("ana", { limit: 5 }, operator, never)).total, 1);
  assert.equal((await memory.list("ana", { limit: 5, all: true }, operator, never)).total, 2);
  assert.deepEqual(await memory.forget("ana", [now.id], operator, never), [now.id]);
  assert.equal((await memory.list("ana", { limit: 5, all: true }, operator, never)).total, 0);
});

Deno.test("of facts that say the same one is recalled; other numbers say something else", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  await memory.remember("ana", newFact("The door code of the office is 4711"), operator, never);
  await memory.remember("ana", newFact("the door code of the office: 4711!"), operator, never);
  await memory.remember("ana", newFact("The door code of the office is 4712"), operator, never);
  const { facts } = await memory.recall("ana", { text: "door code", limit: 5, counts: false }, operator, never);
  assert.equal(facts.length, 2);
  const groups = await memory.duplicates("ana", 10, never);
  assert.deepEqual(groups.map((group) => group.length), [2]);
});

Deno.test("a faded fact is listed and not recalled, and comes back", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  const { id } = await memory.remember("ana", newFact("The lift was broken in March"), operator, never);
  await test.indexed(1);
  const found = async () =>
    (await memory.recall("ana", { text: "lift broken", limit: 5, counts: false }, operator, never)).facts.length;
  await memory.weigh("ana", [{ id, importance: 0 }, { id: "gone", importance: 1 }], never);
  assert.equal(await found(), 0);
  assert.equal((await memory.list("ana", { limit: 5, all: true }, operator, never)).total, 1);
  await memory.weigh("ana", [{ id, importance: 0.9 }], never);
  await test.indexed(2);
  assert.equal(await found(), 1);
});

Deno.test("forgetting a person leaves nothing of what they told, at any agent, also in the bytes of the files", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  for (const agent of ["ana", "ben"]) {
    await memory.remember(agent, newFact("zanzibarquokka", { person: anna, audience: "person" }), operator, never);
    await memory.remember(agent, newFact("The sky is blue", { person: ben }), operator, never);
  }
  await test.indexed(4);
  const words = ["zanzibarquokka"];
  assert.deepEqual([...await memory.forgetPerson(anna, never)], [["ana", words], ["ben", words]]);
  await memory[Symbol.asyncDispose]();
  for (const agent of ["ana", "ben"]) {
    for await (const { name } of Deno.readDir(`${test.folder}/${agent}`)) {
      const bytes = new TextDecoder("latin1").decode(await Deno.readFile(`${test.folder}/${agent}/${name}`));
      assert.ok(!bytes.includes("zanzibar") && !bytes.includes(anna), name);
    }
  }
});

Deno.test("lists go page by page, newest first", async () => {
  await using test = await openTestMemory();
  const { memory } = test;
  for (let index = 0; index < 5; index++) await memory.remember("ana", newFact(`Fact ${index}`), operator, never);
  const first = await memory.list("ana", { limit: 3 }, operator, never);
  const second = await memory.list("ana", { limit: 3, after: first.next }, operator, never);
  assert.deepEqual([...first.facts, ...second.facts].map(({ text }) => text), [4, 3, 2, 1, 0].map((n) => `Fact ${n}`));
  assert.equal(second.next, undefined);
});

Deno.test("an agent's file and folder are its owner's alone", async () => {
  await using test = await openTestMemory();
  await test.memory.remember("ana", newFact("x"), operator, never);
  const modes = await Promise.all(
    [`${test.folder}/ana`, test.path("ana"), `${test.path("ana")}-wal`].map(async (path) =>
      ((await Deno.stat(path)).mode ?? 0) & 0o777
    ),
  );
  assert.deepEqual(modes, [0o700, 0o600, 0o600]);
});
