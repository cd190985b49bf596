import assert from "node:assert/strict";
import type { Outbound } from "../../src/core/message.ts";
import { toSessionId } from "../../src/core/session.ts";
import { openHttpFixture, readEvents, token, toTurnBase } from "./http_fixture.ts";

const hello = { model: "ana", messages: [{ role: "user", content: "Hi" }] };

Deno.test("a completion holds the reply and the tokens of its turn", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/v1/chat/completions", { ...hello, user: "u1" });
  const inbound = await http.nextInbound();
  assert.equal(inbound.plugin, "api");
  assert.equal(inbound.instance, "ana");
  assert.equal(inbound.message.conversation, "u1");
  assert.equal(inbound.message.text, "Hi");
  await http.run(inbound, ["Hello ", "there"]);
  const response = await answer;
  const body = await response.json();
  assert.equal(response.status, 200);
  assert.match(body.id, /^chatcmpl-/);
  assert.equal(body.object, "chat.completion");
  assert.equal(body.model, "ana");
  assert.deepEqual(body.choices, [{
    index: 0,
    message: { role: "assistant", content: "Hello there", refusal: null },
    logprobs: null,
    finish_reason: "stop",
  }]);
  assert.deepEqual(body.usage, { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 });
});

Deno.test("a streamed completion is role, deltas, finish, usage, [DONE]", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/v1/chat/completions", { ...hello, stream: true, stream_options: { include_usage: true } });
  await http.run(await http.nextInbound(), ["Hel", "lo"]);
  const response = await answer;
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const events = await readEvents(response);
  assert.equal(events.pop(), "[DONE]");
  const chunks = events.map((event) => chunkOf(event));
  assert.ok(chunks.every((chunk) => chunk.object === "chat.completion.chunk" && chunk.id === chunks[0]?.id));
  assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: "assistant", content: "", refusal: null });
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "Hello");
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, "stop");
  assert.deepEqual(chunks.at(-1)?.choices, []);
  assert.deepEqual(chunks.at(-1)?.usage, { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 });
});

Deno.test("a stream that saw no deltas ends with the whole reply", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/v1/chat/completions", { ...hello, stream: true });
  await http.reply(await http.nextInbound(), { text: "All of it" });
  assert.equal(streamedText(await readEvents(await answer)), "All of it");
});

Deno.test("a stream of a turn whose model call began again ends with the whole reply", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/v1/chat/completions", { ...hello, stream: true });
  const inbound = await http.nextInbound();
  const base = toTurnBase("api", "ana", inbound.message);
  http.emit({ ...base, type: "started", answers: [inbound.message.providerMessageId], resumed: false });
  http.emit({ ...base, type: "restarted", voidCharacters: 0 });
  http.emit({ ...base, type: "text", text: "second half" });
  await http.reply(inbound, { text: "First and second half" });
  assert.equal(streamedText(await readEvents(await answer)), "First and second half");
});

Deno.test("a stream keeps itself alive while the turn is silent", async () => {
  await using http = await openHttpFixture();
  const answer = await http.post("/v1/chat/completions", { ...hello, stream: true });
  const reader = (answer.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value ?? "", /"role":"assistant"/);
  await http.clock.advance(15_000);
  assert.equal((await reader.read()).value, ": keep-alive\n\n");
  await reader.cancel();
});

Deno.test("without a conversation the earlier messages are the history", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/v1/chat/completions", {
    model: "ana",
    messages: [
      { role: "system", content: "Be brief" },
      { role: "user", content: "One" },
      { role: "assistant", content: "1" },
      { role: "user", content: [{ type: "text", text: "Two" }] },
    ],
  });
  const inbound = await http.nextInbound();
  assert.equal(inbound.message.text, "Two");
  assert.deepEqual(inbound.message.history, [{ role: "user", text: "One" }, { role: "assistant", text: "1" }]);
  await http.reply(inbound);
  await (await answer).body?.cancel();
});

Deno.test("with a conversation only the newest message counts", async () => {
  await using http = await openHttpFixture();
  const messages = [{ role: "user", content: "One" }, { role: "user", content: "Two" }];
  const answer = http.post("/v1/chat/completions", { model: "ana", messages, user: "u1" });
  const inbound = await http.nextInbound();
  assert.equal(inbound.message.text, "Two");
  assert.equal(inbound.message.history, undefined);
  await http.reply(inbound);
  await (await answer).body?.cancel();
});

Deno.test("an inline image becomes an attachment", async () => {
  await using http = await openHttpFixture();
  const url = `data:image/png;base64,${btoa("x".repeat(6_000))}`;
  const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url } }];
  const answer = http.post("/v1/chat/completions", { model: "ana", messages: [{ role: "user", content }] });
  const inbound = await http.nextInbound();
  assert.deepEqual(inbound.message.attachments, [{ kind: "image", mimeType: "image/png", sizeBytes: 6_000, ref: url }]);
  await http.reply(inbound);
  await (await answer).body?.cancel();
});

Deno.test("an image at an address is refused", async () => {
  await using http = await openHttpFixture();
  const content = [{ type: "image_url", image_url: { url: "http://127.0.0.1/x.png" } }];
  const response = await http.post("/v1/chat/completions", { model: "ana", messages: [{ role: "user", content }] });
  assert.equal(response.status, 400);
  assert.equal((await response.json()).error.code, "image_not_inline");
});

Deno.test("an idempotency key is the message's id, and finds the same conversation again", async () => {
  const stored: Outbound[] = [];
  const message = { text: "Hi", attachments: [] };
  await using http = await openHttpFixture({ findAccepted: () => ({ message, reply: stored[0] }) });
  const headers = { "idempotency-key": "k1" };
  const first = http.post("/v1/chat/completions", hello, headers);
  const inbound = await http.nextInbound();
  assert.equal(inbound.message.providerMessageId, "k1");
  await http.run(inbound, ["Once"]);
  const { id } = await (await first).json();

  stored.push({
    key: "turn-1/reply",
    conversation: inbound.message.conversation,
    sessionId: toSessionId({ agent: "ana", plugin: "api", instance: "ana", conversation: "x" }),
    turnId: "turn-1",
    inReplyTo: ["k1"],
    text: "Once",
    outcome: "answered",
  });
  const second = await http.post("/v1/chat/completions", hello, headers);
  const body = await second.json();
  assert.equal(body.choices[0].message.content, "Once");
  assert.equal(body.id, id);
  assert.equal(http.bus.published.length, 1);
});

Deno.test("a duplicate without a reply yet waits for it", async () => {
  await using http = await openHttpFixture();
  const headers = { "idempotency-key": "k1" };
  const first = http.post("/v1/chat/completions", hello, headers);
  const inbound = await http.nextInbound();
  // The stream's head comes when the duplicate is accepted.
  const response = await http.post("/v1/chat/completions", { ...hello, stream: true }, headers);
  await http.reply(inbound, { text: "For both" });
  assert.equal(streamedText(await readEvents(response)), "For both");
  assert.equal((await (await first).json()).choices[0].message.content, "For both");
  assert.equal(http.bus.published.length, 1);
});

Deno.test("a failed turn is an error of its kind", async () => {
  await using http = await openHttpFixture();
  const error = { kind: "unavailable", message: "The model does not answer" };
  const answer = http.post("/v1/chat/completions", hello);
  await http.reply(await http.nextInbound(), { text: "Sorry", outcome: "failed", error });
  const response = await answer;
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("x-should-retry"), "false");
  assert.deepEqual(await response.json(), {
    error: { message: "The model does not answer", type: "server_error", param: null, code: "unavailable" },
  });
});

Deno.test("a failed turn ends a stream with an error", async () => {
  await using http = await openHttpFixture();
  const error = { kind: "timeout", message: "The turn took too long" };
  const answer = http.post("/v1/chat/completions", { ...hello, stream: true });
  await http.reply(await http.nextInbound(), { text: "Sorry", outcome: "failed", error });
  const events = await readEvents(await answer);
  assert.deepEqual(events.slice(-2), [
    { error: { message: "The turn took too long", type: "server_error", param: null, code: "timeout" } },
    "[DONE]",
  ]);
});

Deno.test("a silent turn is an empty answer", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/v1/chat/completions", hello);
  const inbound = await http.nextInbound();
  const answers = [inbound.message.providerMessageId];
  const numbers = { inputTokens: 1, outputTokens: 1, costUsd: null, tookMs: 1 };
  const base = toTurnBase("api", "ana", inbound.message);
  http.emit({ ...base, type: "ended", answers, outcome: "silent", text: "", ...numbers });
  assert.equal((await (await answer).json()).choices[0].message.content, "");
});

Deno.test("an unknown agent is an OpenAI error that names the agents", async () => {
  await using http = await openHttpFixture();
  const response = await http.post("/v1/chat/completions", { ...hello, model: "gpt-9" });
  const { error } = await response.json();
  assert.equal(response.status, 404);
  assert.equal(error.code, "model_not_found");
  assert.equal(error.type, "invalid_request_error");
  assert.match(error.message, /ana, kate/);
});

Deno.test("while intake is paused nothing is stored and the client is told when to come back", async () => {
  await using http = await openHttpFixture({
    intake: { pausedBy: ["ledger_full"], open: () => Promise.resolve() },
  });
  const response = await http.post("/v1/chat/completions", hello);
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "5");
  assert.match((await response.json()).error.message, /ledger_full/);
  assert.equal(http.bus.published.length, 0);
});

Deno.test("after the intake stopped messages are refused while reads go on", async () => {
  await using http = await openHttpFixture();
  http.room.stopIntake();
  const response = await http.post("/v1/chat/completions", hello);
  assert.equal(response.status, 503);
  assert.equal((await response.json()).error.code, "intake_paused");
  for (const path of ["/api/status", "/v1/models"]) {
    const read = await http.admin(path);
    assert.equal(read.status, 200);
    await read.body?.cancel();
  }
});

Deno.test("an answer that takes too long is a timeout that can be asked again", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/v1/chat/completions", hello);
  await http.nextInbound();
  await http.clock.advance(2 * 600_000 + 15_000);
  const response = await answer;
  assert.equal(response.status, 504);
  assert.match((await response.json()).error.message, /Idempotency-Key/);
});

Deno.test("disposal ends every wait with a sentence", async () => {
  const http = await openHttpFixture();
  const plain = http.post("/v1/chat/completions", hello);
  await http.nextInbound();
  const streamed = await http.post("/v1/chat/completions", { ...hello, stream: true });
  await http[Symbol.asyncDispose]();
  assert.equal((await plain).status, 503);
  await (await plain).body?.cancel();
  const events = await readEvents(streamed);
  assert.match(JSON.stringify(events.at(-2)), /The process is stopping/);
  assert.equal(http.clock.waiting, 0);
});

Deno.test("agents are listed as models, and an agent that joins is answered", async () => {
  await using http = await openHttpFixture();
  const list = await (await http.admin("/v1/models")).json();
  assert.deepEqual(list.data.map((model: { id: string }) => model.id), ["ana", "kate"]);
  const [ana] = http.config.current.agents;
  assert.ok(ana);
  http.config.set({ ...http.config.current, agents: [...http.config.current.agents, { ...ana, id: "ops" }] });
  assert.equal((await (await http.admin("/v1/models/ops")).json()).owned_by, "nexo");
  const answer = http.post("/v1/chat/completions", { ...hello, model: "ops" });
  await http.reply(await http.nextInbound());
  assert.equal((await answer).status, 200);
  await (await answer).body?.cancel();
});

Deno.test("bad bodies are refused with what is wrong", async () => {
  await using http = await openHttpFixture({ http: { max_body_bytes: 1_000 } });
  const cases: [string, number, string, RegExp][] = [
    ['{"model":"ana","mess', 400, "bad_json", /not complete, valid JSON/],
    ["model=ana", 400, "bad_json", /not complete, valid JSON/],
    ["", 400, "bad_json", /is empty/],
    ["[]", 400, "bad_request", /object/],
    [JSON.stringify({ model: "ana", messages: [] }), 400, "bad_request", /messages/],
    [JSON.stringify({ ...hello, n: 2 }), 400, "bad_request", /one answer/],
    [JSON.stringify({ model: "ana", messages: [{ role: "system", content: "x" }] }), 400, "no_user_message", /user/],
    [JSON.stringify({ ...hello, padding: "x".repeat(1_000) }), 413, "body_too_large", /max_body_bytes/],
  ];
  for (const [body, status, code, message] of cases) {
    const response = await http.post("/v1/chat/completions", body);
    const { error } = await response.json();
    assert.deepEqual([response.status, error.code], [status, code], body.slice(0, 40));
    assert.match(error.message, message);
    assert.equal(http.metrics.valueOf("nexo_refusals_total", { part: "http", reason: code }) > 0, true);
  }
  assert.equal(http.bus.published.length, 0);
});

Deno.test("a body of unknown length is counted while it streams", async () => {
  await using http = await openHttpFixture({ http: { max_body_bytes: 1_000 } });
  const response = await fetch(new URL("/v1/chat/completions", http.room.addresses.admin), {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: ReadableStream.from(["x".repeat(600), "x".repeat(600)]).pipeThrough(new TextEncoderStream()),
  });
  assert.equal(response.status, 413);
  assert.equal((await response.json()).error.code, "body_too_large");
});

Deno.test("a body that ends early is refused", async () => {
  await using http = await openHttpFixture();
  const { hostname, port } = http.room.addresses.admin;
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\n`;
  await connection.write(new TextEncoder().encode(`${head}Content-Length: 500\r\n\r\n{"model":`));
  await connection.closeWrite();
  const answer = await new Response(connection.readable).text();
  assert.match(answer, /^HTTP\/1.1 400 /);
  assert.match(answer, /truncated_body/);
});

interface Chunk {
  readonly id: string;
  readonly object: string;
  readonly choices: readonly { readonly delta: Record<string, unknown>; readonly finish_reason: string | null }[];
  readonly usage?: unknown;
}

function chunkOf(event: unknown): Chunk {
  assert.ok(typeof event === "object" && event !== null && "choices" in event);
  // Only the tests' own assertions read it.
  return event as Chunk;
}

function streamedText(events: readonly unknown[]): string {
  return events.filter((event) => event !== "[DONE]")
    .map((event) => chunkOf(event).choices[0]?.delta.content ?? "").join("");
}
