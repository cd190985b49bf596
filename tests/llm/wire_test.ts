import assert from "node:assert/strict";
import { z } from "zod";
import type { LlmMessage, LlmProvider, LlmRequest } from "../../src/core/llm.ts";
import type { FakeLlm } from "../fixtures/fake_llm.ts";
import { AppError } from "../../src/core/error.ts";
import { openLlm } from "../../src/llm/open.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { openFakeAnthropic } from "../fixtures/fake_llm_anthropic.ts";
import { fakeSignature, openFakeGemini } from "../fixtures/fake_llm_gemini.ts";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { collect, finishOf, newLlmTool, newRequest, openTestRoom, textOf, toLlmConfig } from "./room.ts";

function providerAt(fake: FakeLlm, kind: string, settings: Record<string, unknown> = {}): LlmProvider {
  const config = toLlmConfig({ providers: { vendor: { kind, api_key: "k", base_url: fake.baseUrl, ...settings } } });
  return openTestRoom().llm.at(config).resolve({ provider: "vendor", model: "fake-model" }, []).provider;
}

function sse(...events: readonly { readonly type?: string; readonly [field: string]: unknown }[]): string {
  return events.map((event) =>
    `${event.type === undefined ? "" : `event: ${event.type}\n`}data: ${JSON.stringify(event)}\n\n`
  ).join("");
}

/** Asks once, appends the answer with a result for each call, and asks again. */
async function askTwice(provider: LlmProvider, change: (message: LlmMessage) => LlmMessage = (same) => same) {
  const request = newRequest({ tools: [newLlmTool("weather")] });
  const chunks = await collect(provider, request);
  const toolCalls = chunks.flatMap((chunk) => chunk.type === "toolCall" ? [chunk.call] : []);
  const { providerState } = finishOf(chunks);
  const answer: LlmMessage = { role: "assistant", text: textOf(chunks), toolCalls, providerState };
  const results = toolCalls.map(({ id, name }) => ({
    callId: id,
    name,
    content: [{ type: "text" as const, text: "rain" }],
    isError: false,
  }));
  await collect(provider, { ...request, messages: [...request.messages, change(answer), { role: "tool", results }] });
  return providerState;
}

const anthropicBody = z.object({
  system: z.array(z.looseObject({ cache_control: z.unknown().optional() })).optional(),
  tools: z.array(z.looseObject({ cache_control: z.unknown().optional() })).optional(),
  messages: z.array(z.object({ role: z.string(), content: z.array(z.looseObject({ type: z.string() })) })),
});

Deno.test("anthropic marks the cached blocks, the last tool and the newest message for the prompt cache", async () => {
  await using fake = openFakeAnthropic();
  await collect(
    providerAt(fake, "anthropic"),
    newRequest({
      system: [{ text: "one", cache: true }, { text: "two", cache: true }, { text: "now", cache: false }],
      tools: [newLlmTool("weather"), newLlmTool("clock")],
      messages: [
        { role: "user", content: [{ type: "text", text: "hi" }] },
        { role: "assistant", text: "hello", toolCalls: [] },
        { role: "user", content: [{ type: "text", text: "how" }, { type: "text", text: "are you" }] },
      ],
    }),
  );
  const body = anthropicBody.parse(fake.requests[0]?.body);
  const marks = (blocks: readonly Record<string, unknown>[] = []) => blocks.map(({ cache_control }) => cache_control);
  const mark = { type: "ephemeral" };
  assert.deepEqual(marks(body.system), [mark, mark, undefined]);
  assert.deepEqual(marks(body.tools), [undefined, mark]);
  assert.deepEqual(body.messages.map(({ content }) => marks(content)), [[undefined], [undefined], [undefined, mark]]);
});

Deno.test("other protocols get one system message and no cache marks", async () => {
  await using fake = openFakeOpenai();
  await collect(providerAt(fake, "openai_compatible"), newRequest({ tools: [newLlmTool("weather")] }));
  assert.doesNotMatch(JSON.stringify(fake.requests[0]?.body), /cache/);
  assert.equal(fake.requests[0]?.system, "You are Ana.\n\nIt is noon.");
});

Deno.test("system and tools are converted once as long as they keep their identity", async () => {
  await using fake = openFakeAnthropic();
  const provider = providerAt(fake, "anthropic");
  let reads = 0;
  const tool: LlmRequest["tools"][number] = {
    name: "weather",
    description: "Tells the weather.",
    get inputSchema() {
      reads++;
      return { type: "object" };
    },
  };
  const request = newRequest({ tools: [tool] });
  for (let index = 0; index < 3; index++) await collect(provider, request);
  assert.equal(reads, 1);
  await collect(provider, { ...request, tools: [tool] });
  assert.equal(reads, 2);
});

Deno.test("anthropic gets its thoughts back with their signature, in their place", async () => {
  await using fake = openFakeAnthropic();
  fake.script({
    type: "raw",
    contentType: "text/event-stream",
    body: sse(
      {
        type: "message_start",
        message: { id: "m", type: "message", role: "assistant", model: "x", content: [], usage: { input_tokens: 1 } },
      },
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "sig" } },
      { type: "content_block_stop", index: 0 },
      {
        type: "content_block_start",
        index: 1,
        content_block: { type: "tool_use", id: "c1", name: "weather", input: {} },
      },
      { type: "content_block_stop", index: 1 },
      { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 3 } },
      { type: "message_stop" },
    ),
  });
  await askTwice(providerAt(fake, "anthropic"));
  const answer = anthropicBody.parse(fake.requests[1]?.body).messages[1];
  assert.deepEqual(answer?.content.map(({ type }) => type), ["thinking", "tool_use"]);
  assert.deepEqual(answer?.content[0], { type: "thinking", thinking: "Hm.", signature: "sig" });
});

Deno.test("gemini gets its thought signatures back with the calls that they belong to", async () => {
  await using fake = openFakeGemini();
  fake.script({ type: "answer", text: ["Looking."], calls: [{ id: "c1", name: "weather", arguments: "{}" }] });
  const state = await askTwice(providerAt(fake, "gemini"));
  assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
  assert.match(JSON.stringify(fake.requests[1]?.body), new RegExp(`"thoughtSignature":"${fakeSignature}"`));
});

Deno.test("a state is not sent when the text was changed meanwhile", async () => {
  await using fake = openFakeGemini();
  fake.script({ type: "answer", text: ["Looking."], calls: [{ id: "c1", name: "weather", arguments: "{}" }] });
  await askTwice(
    providerAt(fake, "gemini"),
    (message) => message.role === "assistant" ? { ...message, text: "Changed" } : message,
  );
  assert.doesNotMatch(JSON.stringify(fake.requests[1]?.body), /thoughtSignature/);
  assert.match(JSON.stringify(fake.requests[1]?.body), /Changed/);
});

Deno.test("a state is not sent to another model than the one that made it", async () => {
  await using fake = openFakeGemini();
  fake.script({ type: "answer", calls: [{ id: "c1", name: "weather", arguments: "{}" }] });
  const provider = providerAt(fake, "gemini");
  await askTwice({
    id: provider.id,
    stream: (request, signal) => provider.stream({ ...request, model: `model-${request.messages.length}` }, signal),
  });
  assert.doesNotMatch(JSON.stringify(fake.requests[1]?.body), /thoughtSignature/);
});

for (const [kind, wanted] of [["deepseek", true], ["openai_compatible", false]] as const) {
  Deno.test(`${kind} ${wanted ? "gets" : "does not get"} the thoughts back that led to a call`, async () => {
    await using fake = openFakeOpenai();
    const chunk = (delta: unknown, finish_reason: string | null = null) => ({
      id: "x",
      choices: [{ index: 0, delta, finish_reason }],
    });
    fake.script({
      type: "raw",
      contentType: "text/event-stream",
      body: sse(
        chunk({ reasoning_content: "Hm." }),
        chunk({ tool_calls: [{ index: 0, id: "c1", function: { name: "weather", arguments: "{}" } }] }),
        chunk({}, "tool_calls"),
      ),
    });
    await askTwice(providerAt(fake, kind));
    assert.equal(/"reasoning_content":"Hm\."/.test(JSON.stringify(fake.requests[1]?.body)), wanted);
  });
}

Deno.test("anthropic gets ids of other providers in characters that it takes", async () => {
  await using fake = openFakeAnthropic();
  await collect(
    providerAt(fake, "anthropic"),
    newRequest({
      messages: [
        { role: "user", content: [] },
        { role: "assistant", text: "", toolCalls: [{ id: "functions.weather:0", name: "weather", input: {} }] },
        {
          role: "tool",
          results: [{ callId: "functions.weather:0", name: "weather", content: [], isError: false }],
        },
        { role: "assistant", text: "", toolCalls: [] },
        { role: "user", content: [{ type: "text", text: "" }, { type: "text", text: "and?" }] },
      ],
      tools: [newLlmTool("weather")],
    }),
  );
  assert.deepEqual(fake.requests[0]?.toolResults, [{ id: "functions_weather_0", text: "" }]);
});

Deno.test("the key travels as the protocol wants it, own headers beside it", async () => {
  await using openai = openFakeOpenai();
  await collect(providerAt(openai, "openai_compatible", { headers: { "x-team": "blue" } }), newRequest());
  assert.equal(openai.requests[0]?.headers.get("authorization"), "Bearer k");
  assert.equal(openai.requests[0]?.headers.get("x-team"), "blue");
  await collect(providerAt(openai, "openai_compatible", { api_key: "none" }), newRequest());
  assert.equal(openai.requests[1]?.headers.get("authorization"), null);

  await using anthropic = openFakeAnthropic();
  const bare = anthropic.baseUrl.replace("/v1", "/");
  await collect(providerAt(anthropic, "anthropic", { base_url: bare }), newRequest());
  assert.equal(anthropic.requests[0]?.headers.get("x-api-key"), "k");
  assert.equal(anthropic.requests[0]?.path, "/v1/messages");

  await using gemini = openFakeGemini();
  const root = gemini.baseUrl.replace("/v1beta", "");
  await collect(providerAt(gemini, "gemini", { base_url: root }), newRequest());
  assert.equal(gemini.requests[0]?.headers.get("x-goog-api-key"), "k");
  assert.equal(gemini.requests[0]?.path, "/v1beta/models/fake-model:streamGenerateContent");
});

Deno.test("OpenAI itself gets the limit of the answer under its newer name", async () => {
  const bodies: unknown[] = [];
  const fetch: typeof globalThis.fetch = (_, init) => {
    bodies.push(JSON.parse(String(init?.body)));
    return Promise.resolve(new Response("", { status: 400 }));
  };
  const llm = openLlm({ log: newRecordedLog(), metrics: newRecordedMetrics(), clock: newFakeClock(), fetch });
  const { provider } = llm.at(toLlmConfig({ providers: { o: { kind: "openai_compatible", api_key: "k" } } }))
    .resolve("auto", []);
  await assert.rejects(collect(provider, newRequest({ maxOutputTokens: 9 })), { kind: "invalid" });
  const limits = z.object({ max_tokens: z.unknown().optional(), max_completion_tokens: z.number() });
  assert.deepEqual(limits.parse(bodies[0]), { max_completion_tokens: 9 });
});

Deno.test("a call is cancelled whatever reason its signal gives, and times out with its caller's deadline", async () => {
  await using fake = openFakeOpenai();
  const provider = providerAt(fake, "openai_compatible");
  for (
    const [reason, kind] of [
      ["stop", "cancelled"],
      [new Error("shutting down"), "cancelled"],
      [new AppError("timeout", "The turn took too long"), "timeout"],
      [new DOMException("late", "TimeoutError"), "timeout"],
    ] as const
  ) {
    fake.script({ type: "hang" });
    const controller = new AbortController();
    const asked = new Promise<void>((resolve) => fake.onRequest = resolve);
    const result = assert.rejects(collect(provider, newRequest(), controller.signal), { kind });
    await asked;
    controller.abort(reason);
    await result;
  }
});

Deno.test("limits of the answer reach the model", async () => {
  await using fake = openFakeAnthropic();
  await collect(providerAt(fake, "anthropic"), newRequest({ maxOutputTokens: 321, temperature: 0.25 }));
  await collect(providerAt(fake, "minimax"), newRequest());
  const limits = z.object({ max_tokens: z.number(), temperature: z.number().optional() });
  assert.deepEqual(limits.parse(fake.requests[0]?.body), { max_tokens: 321, temperature: 0.25 });
  assert.deepEqual(limits.parse(fake.requests[1]?.body), { max_tokens: 32_768 });
});
