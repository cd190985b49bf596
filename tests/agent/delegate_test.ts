import assert from "node:assert/strict";
import { newResults } from "../../src/agent/delegate.ts";
import { callTools, hang, lastText, openRoom, type Script } from "./room.ts";

const bound = [{ plugin: "telegram", instance: "sales", open: true }];
const ask = (agent: string, task: string, more = {}) => callTools([["delegate", { agent, task, ...more }]]);

/** What each agent does with the text it gets; a tool's result is repeated. */
function newScript(plans: Readonly<Record<string, (text: string) => ReturnType<Script>>>): Script {
  return (request) => {
    const text = lastText(request);
    if (request.messages.at(-1)?.role === "tool") return `${request.agent}(${text})`;
    return plans[request.agent]?.(text) ?? `${request.agent} did ${text}`;
  };
}

const agents = (...changes: Record<string, unknown>[]) =>
  ["ana", "bob", "cleo"].map((id, index) => ({
    id,
    inbound_bindings: index === 0 ? bound : [],
    allowed_tools: ["delegate"],
    allowed_delegates: ["*"],
    ...changes[index],
  }));

Deno.test("a task goes from agent to agent and its result comes back", async () => {
  await using room = await openRoom({
    agents: agents(),
    script: newScript({ ana: (text) => ask("bob", `B:${text}`), bob: (text) => ask("cleo", `C:${text}`) }),
  });
  await room.say("hello");
  await room.untilSent(1);
  await room.untilIdle();
  assert.equal(room.sent[0]?.text, "ana(bob(cleo did C:B:hello))");
  assert.deepEqual(room.rows("SELECT agent, outcome FROM turns ORDER BY agent"), [
    { agent: "ana", outcome: "answered" },
    { agent: "bob", outcome: "answered" },
    { agent: "cleo", outcome: "answered" },
  ]);
});

Deno.test("tasks do not wait for each other's permits", async () => {
  await using room = await openRoom({
    agents: agents(),
    runtime: { limits: { max_parallel_turns: 1 } },
    script: newScript({ ana: (text) => ask("bob", text), bob: (text) => ask("cleo", text) }),
  });
  await room.say("one", { conversation: "1" });
  await room.say("two", { conversation: "2" });
  await room.untilSent(2);
  assert.deepEqual(room.sent.map(({ text }) => text), ["ana(bob(cleo did one))", "ana(bob(cleo did two))"]);
});

Deno.test("a task that comes back to its asker is refused at once", async () => {
  await using room = await openRoom({
    agents: agents(),
    script: newScript({ ana: (text) => ask("bob", text), bob: (text) => ask("ana", text) }),
  });
  await room.say("hello");
  await room.untilSent(1);
  assert.equal(room.sent[0]?.text, "ana(bob(ana does not take the task: cycle))");
});

for (
  const [fact, target, changes, told] of [
    ["an agent that is not there", "nobody", [], /nobody does not take the task: no such agent/],
    ["itself", "ana", [], /ana does not take the task: cycle/],
    ["an agent that it may not ask", "cleo", [{ allowed_delegates: ["bob"] }], /You may not give tasks to cleo/],
    ["an agent that does not listen to it", "bob", [{}, { accept_delegates_from: ["cleo"] }], /not accepted from you/],
  ] as const
) {
  Deno.test(`a task for ${fact} is refused at once`, async () => {
    await using room = await openRoom({
      agents: agents(...changes),
      script: newScript({ ana: () => ask(target, "x") }),
    });
    await room.say("hello");
    await room.untilSent(1);
    assert.match(room.sent[0]?.text ?? "", told);
    assert.equal(room.requests.length, 2);
  });
}

Deno.test("a task goes no deeper than its first asker allows", async () => {
  await using room = await openRoom({
    agents: agents({ config: { delegate_depth: 1 } }),
    script: newScript({ ana: (text) => ask("bob", text), bob: (text) => ask("cleo", text) }),
  });
  await room.say("hello");
  await room.untilSent(1);
  assert.equal(room.sent[0]?.text, "ana(bob(cleo does not take the task: too deep))");
});

Deno.test("an agent without anybody to ask has no tool for it", async () => {
  await using room = await openRoom({ agents: agents({ allowed_delegates: [] }) });
  await room.say("hello");
  await room.untilSent(1);
  assert.deepEqual(room.requests[0]?.tools, []);
});

Deno.test("an agent that does not answer in time is given up, and the asker goes on", async () => {
  await using room = await openRoom({
    agents: agents(),
    script: (request, number, signal) => {
      if (request.agent === "bob") return hang(request, number, signal);
      return newScript({ ana: () => ask("bob", "work", { timeout_seconds: 30 }) })(request, number, signal);
    },
  });
  await room.say("hello");
  await room.until(() => room.requests.find(({ agent }) => agent === "bob"));
  await room.clock.advance(30_000);
  await room.untilSent(1);
  assert.match(room.sent[0]?.text ?? "", /^ana\(.*(bob gave no answer: bob took longer than 30\.0 s|it took too long)/);
});

Deno.test("an agent that fails is told as an error", async () => {
  await using room = await openRoom({
    agents: agents(),
    script: newScript({
      ana: () => ask("bob", "work"),
      bob: () => {
        throw new Error("bob is ill");
      },
    }),
  });
  await room.say("hello");
  await room.untilSent(1);
  assert.match(room.sent[0]?.text ?? "", /^ana\(Sorry, I could not answer that/);
});

Deno.test("after a crash a task is not given twice, and its result is found", async () => {
  await using room = await openRoom({ agents: agents(), script: newScript({ ana: (text) => ask("bob", text) }) });
  // The result has come in, and the asker has not journaled it yet.
  const died = room.dieAt((unit) => unit.some(({ sql }) => /UPDATE steps/.test(sql)), "before");
  await room.say("hello");
  await died;
  await room.restart();
  await room.untilSent(1);
  assert.equal(room.sent[0]?.text, "ana(bob did hello)");
  assert.equal(room.requests.filter(({ agent }) => agent === "bob").length, 1);
});

Deno.test("after a crash while the other works the task goes on, and is given once", async () => {
  await using room = await openRoom({ agents: agents(), script: newScript({ ana: (text) => ask("bob", text) }) });
  let seen = 0;
  const died = room.dieAt((unit) => unit.some(({ sql }) => /INSERT INTO outbox/.test(sql)) && ++seen === 1, "before");
  await room.say("hello");
  await died;
  await room.restart();
  await room.untilSent(1);
  await room.untilIdle();
  assert.equal(room.sent[0]?.text, "ana(bob did hello)");
  assert.deepEqual(room.rows("SELECT agent FROM turns ORDER BY agent"), [{ agent: "ana" }, { agent: "bob" }]);
});

Deno.test("a task for several agents, or for all, brings each one's answer or refusal", async () => {
  for (const order of [{ agents: ["bob", "cleo", "nobody"] }, { agent: "*" }, { agents: ["*", "bob"] }]) {
    await using room = await openRoom({
      agents: agents({}, {}, { accept_delegates_from: ["bob"] }),
      script: newScript({ ana: (text) => callTools([["delegate", { ...order, task: text }]]) }),
    });
    await room.say("hello");
    await room.untilSent(1);
    const told = ["[bob]\nbob did hello", "[cleo]\ncleo does not take the task: not accepted from you"];
    if ("nobody" in order || order.agents?.includes("nobody")) {
      told.push("[nobody]\nnobody does not take the task: no such agent");
    }
    assert.equal(room.sent[0]?.text, `ana(${told.join("\n\n")})`);
  }
});

Deno.test("an agent that tells others something does not wait for them, and what they may not hear is said", async () => {
  await using room = await openRoom({
    agents: agents({ allowed_delegates: ["bob", "nobody"] }),
    runtime: { limits: { max_parallel_turns: 1 } },
    script: newScript({
      ana: (text) => callTools([["delegate", { agents: ["bob", "cleo", "ana", "nobody"], task: text, wait: false }]]),
    }),
  });
  await room.say("the shop is closed");
  await room.untilSent(1);
  await room.untilIdle();
  assert.equal(
    room.sent[0]?.text,
    "ana([bob]\nbob is told\n\n[cleo]\nYou may not give tasks to cleo\n\n[ana]\nYou may not give tasks to ana\n\n" +
      "[nobody]\nnobody does not take the task: no such agent)",
  );
  assert.deepEqual(room.rows("SELECT agent, outcome FROM turns ORDER BY agent"), [
    { agent: "ana", outcome: "answered" },
    { agent: "bob", outcome: "answered" },
  ]);
  assert.equal(room.sent.length, 1);
});

Deno.test("what is told goes no deeper and in no circle either", async () => {
  await using room = await openRoom({
    agents: agents(),
    script: newScript({
      ana: (text) => callTools([["delegate", { agent: "bob", task: text, wait: false }]]),
      bob: () => callTools([["delegate", { agent: "*", task: "back", wait: false }]]),
    }),
  });
  await room.say("hello");
  await room.untilSent(1);
  await room.untilIdle();
  const heard = room.requests.filter(({ agent }) => agent === "bob").map(lastText);
  assert.match(heard.at(-1) ?? "", /\[ana\]\nana does not take the task: cycle\n\n\[cleo\]\ncleo is told/);
});

Deno.test("a task names somebody", async () => {
  await using room = await openRoom({
    agents: agents(),
    script: newScript({ ana: () => callTools([["delegate", { task: "x" }]]) }),
  });
  await room.say("hello");
  await room.untilSent(1);
  assert.equal(room.sent[0]?.text, "ana(Name an agent in `agent`)");
});

Deno.test("nobody waits for a result when the patience was over before", async () => {
  await assert.rejects(newResults().wait("t", AbortSignal.abort(new Error("time is up"))), /time is up/);
});
