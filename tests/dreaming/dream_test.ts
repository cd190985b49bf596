import assert from "node:assert/strict";
import { dueAt } from "../../src/dreaming/schedule.ts";
import { addEntry, addPromoted } from "../../src/dreaming/paper.ts";
import type { Dream } from "../../src/core/dream.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openWorld, type World } from "./world.ts";

const dayMs = 86_400_000;

/** A memory with something to promote, to merge and to let fade. */
async function fill(world: World) {
  const old = await world.remember("The old office is closed on Fridays.");
  world.clock.skip(7_200_000);
  await world.remember("Eva likes green tea from the corner shop.");
  await world.recall("green tea", 4);
  const one = await world.remember("The door code of the garage is 4711.", { tags: ["code"] });
  const two = await world.remember("The garage door code is 4711.", { importance: 0.7 });
  return { old, one, two };
}

const merged = "The door code of the garage is 4711 .".replace(" .", ".");
const answer = () => JSON.stringify({ merged: [{ group: 1, text: merged }] });

Deno.test("a dream promotes what was recalled often, merges what is doubled, lets fade what nobody asks for, in one commit", async () => {
  await using world = await openWorld({ answer });
  const { old, one, two } = await fill(world);
  const dream = await world.dream();
  assert.deepEqual(dream?.plan.promoted.map(({ text }) => text), ["Eva likes green tea from the corner shop."]);
  assert.equal(await world.read("MEMORY.md"), "## Recalled often\n\n- Eva likes green tea from the corner shop.\n");
  const made = (await world.facts()).find(({ id }) => id === dream?.plan.merged[0]?.made);
  assert.deepEqual(
    [made?.text, made?.tags, made?.importance, made?.supersedes.toSorted()],
    [merged, ["code"], 0.7, [one.id, two.id].toSorted()],
  );
  assert.equal((await world.facts()).find(({ id }) => id === old.id)?.importance, 0.25);
  const dreams = await world.read("DREAMS.md");
  assert.match(dreams, /^\+ Eva likes green tea .* \(recalled 4 times, fact /m);
  assert.match(dreams, /^- The garage door code is 4711\.$/m);
  assert.match(dreams, /^! The old office .* importance 0\.50 to 0\.25\)$/m);
  const history = await world.workspace().history({ limit: 10 }, "operator");
  assert.deepEqual(history.map(({ author, why, files }) => [author, why, files]), [
    ["ana", "Dream: 1 promoted, 1 merged, 1 faded", ["DREAMS.md", "MEMORY.md"]],
  ]);
  assert.equal(world.ledger.read.all("SELECT * FROM usage").length, 1);
  const [row] = world.ledger.read.all("SELECT plan FROM dreams");
  assert.doesNotMatch(String(row?.["plan"]), /tea|garage|office/, "what is forgotten must not live on in the ledger");
  const { promoted, merged: again } = (await world.dream())?.plan ?? {};
  assert.deepEqual([promoted, again], [[], []], "what is done is not done again");
});

Deno.test("a dry run changes nothing and asks nobody", async () => {
  await using world = await openWorld({ answer });
  await fill(world);
  const before = await world.facts();
  const dream = await world.dream(true);
  assert.deepEqual([dream?.plan.promoted.length, dream?.plan.faded.length], [1, 1]);
  assert.deepEqual(await world.facts(), before);
  assert.deepEqual(world.asked, []);
  assert.deepEqual(await world.workspace().list("operator"), []);
});

Deno.test("undoing a dream's commit gives the facts back, too", async () => {
  await using world = await openWorld({ answer });
  await fill(world);
  const strip = async () => (await world.facts()).map(({ lastUsedAtMs: _, ...fact }) => fact);
  const before = await strip();
  const dream = await world.dream();
  await world.workspace().revert(dream?.commit?.slice(0, 10) ?? "", "operator");
  assert.deepEqual(await strip(), before);
  assert.deepEqual(await world.workspace().list("operator"), []);
  await world.recall("garage door code", 1);
  const error = await rejectsWith("conflict", world.workspace().revert(dream?.commit ?? "", "operator"));
  assert.equal(error.reason, "already_undone");
});

Deno.test("what was told in private is promoted only where the operator says so, and never stands in DREAMS.md", async () => {
  const secret = { audience: "person", person: "telegram:42" } as const;
  for (const promote of ["everyone", "all"] as const) {
    await using world = await openWorld({ dreaming: { promote }, answer });
    await world.remember("Eva is afraid of spiders.", secret);
    await world.recall("afraid spiders", 3);
    for (const text of ["Her doctor is called Smith.", "Her doctor is called Smith"]) {
      await world.remember(text, secret);
    }
    const dream = await world.dream();
    assert.equal(dream?.plan.promoted.length, promote === "all" ? 1 : 0);
    const papers = await world.read("DREAMS.md");
    assert.match(papers, /2 private facts became one/);
    assert.doesNotMatch(papers, /Smith/);
    const made = (await world.facts()).find(({ id }) => id === dream?.plan.merged[0]?.made);
    assert.deepEqual([made?.audience, made?.person], ["person", "telegram:42"]);
    for (const view of ["private", "group"] as const) {
      await rejectsWith("denied", world.workspace().read("DREAMS.md", view));
      assert.ok(!JSON.stringify(await world.workspace().diff({}, view)).includes("private facts"));
    }
  }
});

Deno.test("what the model writes is not taken where it is no answer, or says more than it was told", async () => {
  for (
    const bad of [
      "no JSON",
      '{"merged":[{"group":9,"text":"x"}]}',
      JSON.stringify({ merged: [{ group: 1, text: "x".repeat(500) }] }),
    ]
  ) {
    await using world = await openWorld({ answer: () => bad });
    const { one, two } = await fill(world);
    const dream = await world.dream();
    assert.deepEqual(dream?.plan.merged, []);
    for (const { id } of [one, two]) {
      assert.equal((await world.facts()).find((fact) => fact.id === id)?.supersededBy, undefined);
    }
  }
});

Deno.test("a process that dies between two steps goes on at the next start and repeats nothing", async () => {
  const isDone = (unit: readonly { readonly values: readonly unknown[] }[]) =>
    unit.some(({ values }) => values.includes("done"));
  await using world = await openWorld({ answer });
  const { one, two } = await fill(world);
  // Everything is carried out but the last unit: the most that can be repeated.
  world.dieAt(isDone);
  await assert.rejects(world.dream());
  await world.restart();
  await world.untilDreamt("done", 1);
  assert.equal(world.asked.length, 1, "the model was asked once");
  assert.equal(world.ledger.read.all("SELECT * FROM usage").length, 1);
  assert.equal((await world.workspace().history({ limit: 10 }, "operator")).length, 1);
  const made = (await world.facts()).filter(({ supersedes }) => supersedes.length > 0);
  assert.deepEqual(made.map(({ supersedes }) => supersedes.toSorted()), [[one.id, two.id].toSorted()]);
  assert.equal((await world.read("MEMORY.md")).match(/green tea/g)?.length, 1);
});

Deno.test("an undoing that died half way is ended at the next start", async () => {
  await using world = await openWorld({ answer });
  await fill(world);
  const dream = await world.dream();
  world.dieAt((unit) => unit.some(({ values }) => values.includes("reverted")));
  await assert.rejects(world.workspace().revert(dream?.commit ?? "", "operator"));
  await world.restart();
  await world.untilDreamt("reverted", 1);
  assert.ok((await world.facts()).every(({ supersededBy }) => supersededBy === undefined));
});

Deno.test("an agent that is told to dreams by itself, once when it is due", async () => {
  await using world = await openWorld({ dreaming: { enabled: true, every: "2m" }, answer });
  await world.remember("Eva likes green tea.");
  await world.recall("green tea", 3);
  const count = () => world.ledger.read.all("SELECT * FROM dreams").length;
  await world.clock.advance(60_000);
  await world.untilDreamt("done", 1);
  assert.match(await world.read("MEMORY.md"), /green tea/);
  await world.clock.advance(60_000);
  assert.equal(count(), 1);
  await world.remember("Eva likes black coffee.");
  await world.recall("black coffee", 3);
  await world.clock.advance(60_000);
  await world.untilDreamt("done", 2);
  assert.equal(count(), 2);
});

Deno.test("off by default, and unknown agents do not dream", async () => {
  await using world = await openWorld();
  await world.remember("Eva likes green tea.");
  await world.recall("green tea", 3);
  world.clock.skip(5 * 3_600_000);
  await world.clock.advance(120_000);
  assert.equal(world.ledger.read.all("SELECT * FROM dreams").length, 0);
  await rejectsWith("missing", world.dreams.dream("nobody", { dryRun: true }, AbortSignal.timeout(1_000)));
});

Deno.test("a dream is due at its time of the day, or some time after the last", () => {
  const at = (text: string) => Date.parse(`2026-11-${text}:00Z`);
  const daily = { at: "03:30" };
  assert.equal(dueAt(daily, undefined, at("22T01:00")), at("22T03:30"));
  assert.equal(dueAt(daily, undefined, at("22T04:00")), at("23T03:30"));
  assert.equal(dueAt(daily, at("21T03:30"), at("22T04:00")), at("22T03:30"), "one that was missed is made up for");
  assert.equal(dueAt({ ...daily, every: 3_600_000 }, at("22T01:00"), 0), at("22T02:00"));
  assert.equal(dueAt({ ...daily, every: 3_600_000 }, undefined, at("22T01:00")), 0);
});

Deno.test("promoted lines go under their heading, what a person wrote stays", () => {
  const plan = (text: string) => ({ promoted: [{ id: "1", text, recallCount: 3 }], merged: [], faded: [] });
  const first = addPromoted("# Mine\n\nText.\n", plan("one"));
  assert.equal(first, "# Mine\n\nText.\n\n## Recalled often\n\n- one\n");
  const below = `${first}\n## After\n\nMore.\n`;
  assert.equal(
    addPromoted(below, plan("two")),
    "# Mine\n\nText.\n\n## Recalled often\n\n- one\n- two\n\n## After\n\nMore.\n",
  );
  assert.equal(addPromoted(below, plan("one")), below);
});

Deno.test("DREAMS.md tells of the newest dream first, and of thirty", () => {
  let text = "";
  for (let day = 0; day < 40; day++) {
    const dream: Dream = {
      id: `${day}`,
      agent: "ana",
      state: "planned",
      startedAtMs: day * dayMs,
      plan: { promoted: [{ id: "1", text: `fact ${day}`, recallCount: 3 }], merged: [], faded: [] },
    };
    text = addEntry(text, dream);
  }
  assert.equal(text.match(/^## /gm)?.length, 30);
  assert.match(text, /^# Dreams\n\n## 1970-02-09 00:00 UTC[^]*fact 39[^]*fact 10 /);
});
