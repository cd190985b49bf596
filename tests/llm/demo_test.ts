import assert from "node:assert/strict";
import type { LlmMessage } from "../../src/core/llm.ts";
import { newDemoProvider } from "../../src/llm/demo.ts";
import { collect, finishOf, newRequest, textOf } from "./room.ts";

const demo = newDemoProvider();
const clock = { name: "current_time", description: "Tells the time.", inputSchema: { type: "object" } };
const sums = {
  name: "calculate",
  description: "Calculates.",
  inputSchema: { type: "object", properties: { expression: { type: "string" } }, required: ["expression"] },
};

function say(text: string): LlmMessage {
  return { role: "user", content: [{ type: "text", text }] };
}

async function ask(text: string, tools = [clock, sums]) {
  const chunks = await collect(demo, newRequest({ model: "demo", messages: [say(text)], tools }));
  return { chunks, calls: chunks.flatMap((chunk) => chunk.type === "toolCall" ? [chunk.call] : []) };
}

Deno.test("demo model says that it is one, and how to get a real one, word by word", async () => {
  const { chunks, calls } = await ask("Hello there");
  assert.match(textOf(chunks), /Hello there.*built-in demo model.*agent setup llm.*ANTHROPIC_API_KEY/);
  assert.ok(chunks.length > 20);
  assert.deepEqual(calls, []);
  assert.equal(finishOf(chunks).reason, "stop");
  assert.ok(finishOf(chunks).usage.outputTokens > 0);
});

Deno.test("demo model asks the clock when asked for the time", async () => {
  for (const text of ["What time is it?", "what's the time", "Which year? What is the date today?"]) {
    const { calls, chunks } = await ask(text);
    assert.deepEqual(calls.map(({ name, input }) => ({ name, input })), [{ name: "current_time", input: {} }], text);
    assert.equal(finishOf(chunks).reason, "tool_calls");
  }
});

Deno.test("demo model calculates with the tool", async () => {
  for (
    const [text, expression] of [
      ["what is 12 * 34?", "12*34"],
      ["Please add 1.5 + 2.5 - 1 for me", "1.5+2.5-1"],
      ["(2 + 3) × 4 = ?", "(2+3)*4"],
      ["2^10", "2^10"],
    ] as const
  ) {
    assert.deepEqual((await ask(text)).calls.map(({ input }) => input), [{ expression }], text);
  }
  assert.deepEqual((await ask("On 2026-11-22 I had 3 cats")).calls, []);
});

Deno.test("demo model calls only tools that are offered", async () => {
  assert.deepEqual((await ask("what is 1 + 1?", [])).calls, []);
  const messages = [say("what time is it?")];
  const chunks = await collect(demo, newRequest({ messages, tools: [clock], toolChoice: "none" }));
  assert.deepEqual(chunks.filter(({ type }) => type === "toolCall"), []);
});

Deno.test("demo model answers with the tool's result and calls no further tool", async () => {
  const { calls } = await ask("what is 12 * 34?");
  const messages: LlmMessage[] = [
    say("what is 12 * 34?"),
    { role: "assistant", text: "Let me calculate that.", toolCalls: calls },
    {
      role: "tool",
      results: [{
        callId: calls[0]?.id ?? "",
        name: "calculate",
        content: [{ type: "text", text: "408" }],
        isError: false,
      }],
    },
  ];
  const chunks = await collect(demo, newRequest({ messages, tools: [clock, sums] }));
  assert.match(textOf(chunks), /calculate says: 408/);
  assert.equal(finishOf(chunks).reason, "stop");
});

Deno.test("demo model has nothing to say when woken by the agent's clock", async () => {
  const { chunks } = await ask("Heartbeat. Do what is due. Answer NOTHING when nothing is.");
  assert.equal(textOf(chunks), "NOTHING");
});

Deno.test("demo model stops when cancelled", async () => {
  const controller = new AbortController();
  await assert.rejects(async () => {
    for await (const _ of demo.stream(newRequest(), controller.signal)) controller.abort();
  }, { kind: "cancelled" });
});
