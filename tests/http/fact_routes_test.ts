import assert from "node:assert/strict";
import { type Fact, factSchema, type Memory, type NewFact } from "../../src/core/memory.ts";
import { openTestMemory } from "../memory/room.ts";
import { openHttpFixture } from "./http_fixture.ts";

const never = new AbortController().signal;

/** A desk over a real memory, in which Omar once told something. */
async function openDesk() {
  await using stack = new AsyncDisposableStack();
  const test = stack.use(await openTestMemory());
  const notes: { action: string; target: string }[] = [];
  const http = stack.use(
    await openHttpFixture({
      memory: test.memory,
      audit: { list: () => Promise.resolve([]), note: (entry) => Promise.resolve(void notes.push(entry)) },
    }),
  );
  const told: NewFact = {
    text: "Omar is allergic to nuts",
    tags: ["health"],
    importance: 0.9,
    audience: "conversation",
    person: "telegram:502",
    conversation: "telegram/cafe/502",
    sessionId: "ana/telegram/cafe/502",
    turnId: "t1",
    supersedes: [],
    key: "t1:0",
  };
  const fact = await test.memory.remember("ana", told, { kind: "operator" }, never);
  const owned = stack.move();
  const post = async (path: string, body: unknown) => {
    const response = await http.post(`/api/agents/ana/memory/${path}`, body);
    return { status: response.status, text: await response.text() };
  };
  return { memory: test.memory, post, notes, fact, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

Deno.test("a corrected fact keeps whom it concerns, says that an operator wrote it, and can be taken back", async () => {
  await using desk = await openDesk();
  const { memory, fact } = desk;
  const given = { text: "Omar is allergic to sesame", audience: "conversation", replaces: fact.id };
  const made = factSchema.parse(JSON.parse((await desk.post("remember", given)).text));
  assert.deepEqual(
    [made.author, made.person, made.sessionId, made.turnId, made.supersedes],
    ["operator", "telegram:502", "ana/telegram/cafe/502", "t1", [fact.id]],
  );
  const recalled = await recall(memory, "allergic");
  assert.deepEqual(recalled.map(({ text }) => text), ["Omar is allergic to sesame"]);
  const late = await desk.post("remember", given);
  assert.deepEqual([late.status, /was replaced by/.test(late.text)], [409, true]);
  assert.equal((await desk.post("restore", { id: made.id })).status, 200);
  assert.deepEqual((await recall(memory, "allergic")).map(({ text }) => text), ["Omar is allergic to nuts"]);
  assert.deepEqual(desk.notes.map(({ action }) => action), ["memory.edited", "memory.restored"]);
  assert.doesNotMatch(JSON.stringify(desk.notes), /sesame/, "the audit names facts and does not tell them");
});

Deno.test("a fact weighed at nothing is kept and not recalled, until it is weighed again", async () => {
  await using desk = await openDesk();
  const { memory, fact } = desk;
  assert.equal((await desk.post("weigh", { id: fact.id, importance: 0 })).status, 200);
  assert.deepEqual(await recall(memory, "allergic"), []);
  assert.equal((await desk.post("weigh", { id: fact.id, importance: 0.9 })).status, 200);
  assert.equal((await recall(memory, "allergic")).length, 1);
});

Deno.test("a fact that cannot be written is refused with what to do instead", async () => {
  await using desk = await openDesk();
  const cases = [
    ["remember", { text: "x", audience: "person" }, 400, /needs the person/],
    ["remember", { text: "x", audience: "conversation" }, 400, /Choose everyone/],
    ["remember", { text: " " }, 400, /must not be empty/],
    ["remember", { text: "x", tags: ["y".repeat(65)] }, 400, /tag/],
    ["remember", { text: "x", replaces: "none" }, 404, /knows no fact/],
    ["weigh", { id: desk.fact.id, importance: 2 }, 400, /importance/],
    ["weigh", { id: "none", importance: 0 }, 404, /knows no fact/],
    ["restore", { id: desk.fact.id }, 409, /replaced nothing/],
  ] as const;
  for (const [path, body, status, text] of cases) {
    const answer = await desk.post(path, body);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, text);
  }
  assert.deepEqual(desk.notes, []);
});

async function recall(memory: Memory, text: string): Promise<readonly Fact[]> {
  return (await memory.recall("ana", { text, limit: 5, counts: false }, { kind: "operator" }, never)).facts;
}
