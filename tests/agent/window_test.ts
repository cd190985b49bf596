import assert from "node:assert/strict";
import type { LlmMessage } from "../../src/core/llm.ts";
import type { TranscriptEntry } from "../../src/core/transcript.ts";
import { estimateMessages, estimateText, newTokens } from "../../src/agent/tokens.ts";
import { fitMessages, shortenText, toMessages, toWindow } from "../../src/agent/window.ts";
import { callTools, finish, newTool, openRoom } from "./room.ts";

const words = (tokens: number) => "abc ".repeat(tokens);
const user = (text: string): TranscriptEntry => ({ role: "user", text });
const assistant = (text: string): TranscriptEntry => ({ role: "assistant", text, toolCalls: [] });
const call = (id: string): TranscriptEntry => ({
  role: "assistant",
  text: "",
  toolCalls: [{ id, name: "look", input: {} }],
});
const result = (callId: string, text: string): TranscriptEntry => ({
  role: "tool",
  results: [{ callId, name: "look", content: [{ type: "text", text }], isError: false }],
});
const bounds = { maxTokens: 1_000, maxToolResultTokens: 100 };
const of = (entries: readonly TranscriptEntry[], isCut = false) => ({ summary: undefined, entries, isCut });
const say = ({ role, ...rest }: LlmMessage) => `${role} ${JSON.stringify(rest)}`;

/** Every call has its results, every result its call, in the order that providers demand. */
function assertPaired(messages: readonly LlmMessage[]): void {
  for (const [index, message] of messages.entries()) {
    const [before, next] = [messages[index - 1], messages[index + 1]];
    if (message.role === "assistant" && message.toolCalls.length > 0) assert.equal(next?.role, "tool");
    if (message.role === "tool") {
      assert.ok(before?.role === "assistant");
      assert.deepEqual(before.toolCalls.map(({ id }) => id), message.results.map(({ callId }) => callId));
    }
  }
}

Deno.test("tokens of a text are estimated at the same cost for any length", () => {
  assert.equal(estimateText(""), 0);
  assert.equal(estimateText("a".repeat(400)), 100);
  assert.equal(estimateText("あ".repeat(100)), 100);
  assert.ok(Math.abs(estimateText("a".repeat(1_000_000)) - 250_000) < 10);
  const half = "a".repeat(50_000) + "あ".repeat(50_000);
  assert.ok(Math.abs(estimateText(half) - 62_500) < 10_000);
});

Deno.test("estimates learn from what the provider counts, and cannot be led far astray", () => {
  const tokens = newTokens();
  assert.equal(tokens.factor("p/m"), 1);
  tokens.learn("p/m", 100, 300);
  assert.equal(tokens.factor("p/m"), 1, "a short request says little");
  tokens.learn("p/m", 1_000, 1_500);
  assert.equal(tokens.factor("p/m"), 1.5);
  for (let time = 0; time < 50; time++) tokens.learn("p/m", 1_000, 1_000_000);
  assert.ok(tokens.factor("p/m") <= 3);
  for (let time = 0; time < 50; time++) tokens.learn("p/m", 1_000, 1);
  assert.ok(tokens.factor("p/m") >= 0.5);
});

Deno.test("the window holds whole exchanges, newest first, and says that something is left out", () => {
  const entries = [1, 2, 3, 4].flatMap((turn) => [user(`question ${turn} ${words(200)}`), assistant(`answer ${turn}`)]);
  const { messages, isTrimmed, tokens } = toWindow(of(entries), { ...bounds, maxTokens: 450 });
  assert.equal(isTrimmed, true);
  assert.ok(tokens <= 450);
  assert.match(say(messages[0] ?? { role: "tool", results: [] }), /left out/);
  assert.match(JSON.stringify(messages), /question 3.*answer 3.*question 4.*answer 4/);
  assert.doesNotMatch(JSON.stringify(messages), /question 2|answer 2/);
  const whole = toWindow(of(entries), { ...bounds, maxTokens: 10_000 });
  assert.deepEqual([whole.messages.length, whole.isTrimmed], [8, false]);
  assert.equal(toWindow(of(entries, true), { ...bounds, maxTokens: 10_000 }).isTrimmed, true);
});

Deno.test("calls and results are never torn apart, wherever the window begins and whatever is missing", () => {
  const entries = [
    user("a"),
    call("1"),
    result("1", "one"),
    assistant("said"),
    user("b"),
    call("2"),
    result("2", "two"),
    assistant("done"),
  ];
  for (let from = 0; from < entries.length; from++) {
    for (let missing = -1; missing < entries.length; missing++) {
      const left = entries.filter((_, index) => index >= from && index !== missing);
      assertPaired(toMessages(left));
      for (let maxTokens = 0; maxTokens < 60; maxTokens += 3) {
        assertPaired(toWindow(of(left), { ...bounds, maxTokens }).messages);
        assertPaired(fitMessages(toMessages(left), { ...bounds, maxTokens }));
      }
    }
  }
});

Deno.test("an oversized result is shortened in the prompt, with its beginning, its end and its fence", () => {
  const text = `<untrusted source="x">\nbegin ${words(5_000)} end\n</untrusted>`;
  const { messages } = toWindow(of([user("a"), call("1"), result("1", text)]), bounds);
  const shown = JSON.stringify(messages);
  assert.ok(shown.length < 1_200, String(shown.length));
  assert.match(shown, /<untrusted source.*begin.*characters are left out here.*end.*<\/untrusted>/);
  assert.equal(shortenText("short", 100), "short");
});

Deno.test("before each call the turn is made to fit: old exchanges go, then results shrink, then the question", () => {
  const past = [user(words(400)), assistant("old")];
  const now = [user(`question ${words(100)}`), call("1"), result("1", words(900)), call("2"), result("2", words(90))];
  const fit = (entries: readonly TranscriptEntry[], maxTokens: number) =>
    fitMessages(toMessages(entries), { maxTokens, maxToolResultTokens: 800 });
  const kept = fit([...past, ...now], 1_100);
  assertPaired(kept);
  assert.doesNotMatch(JSON.stringify(kept), /old/);
  assert.match(JSON.stringify(kept), /question/);
  assert.ok(estimateMessages(fit([...past, ...now], 800)) <= 850);
  const huge = fit([user(`begin ${words(50_000)} end`)], 2_000);
  assert.ok(estimateMessages(huge) < 2_100);
  assert.match(JSON.stringify(huge), /begin.*end/);
});

Deno.test("a result larger than the model's window is shortened for the model and whole in the transcript", async () => {
  const flood = "flood ".repeat(100_000);
  await using room = await openRoom({
    contextWindow: 20_000,
    agents: [{ allowed_tools: ["look"] }],
    tools: [newTool("look", { run: () => Promise.resolve({ content: [{ type: "text", text: flood }] }) })],
    script: (_, number) => number === 1 ? callTools(["look"]) : "done",
  });
  await room.say("hello");
  await room.untilSent(1);
  await room.untilIdle();
  const [, second] = room.requests;
  assert.ok(estimateMessages(second?.messages ?? []) < 12_000);
  assert.match(JSON.stringify(second?.messages), /characters are left out here/);
  const [row] = room.rows("SELECT body FROM messages WHERE role = 'tool'");
  assert.ok(String(row?.body).length > flood.length);
});

Deno.test("the window follows what the provider counts", async () => {
  await using room = await openRoom({
    memory: { short_term: { max_history_tokens: 1_000, compaction: { enabled: false } } },
    script: (
      request,
    ) => [{ type: "text", text: "yes" }, finish({ inputTokens: 3 * estimateMessages(request.messages) })],
  });
  for (let turn = 1; turn <= 6; turn++) {
    await room.say(`question ${turn} ${words(150)}`);
    await room.untilSent(turn);
    await room.untilIdle();
  }
  const shown = JSON.stringify(room.requests.at(-1)?.messages);
  assert.match(shown, /question 5/);
  assert.doesNotMatch(shown, /question 3/, "three times as many tokens as estimated: a third of the exchanges fit");
});
