import assert from "node:assert/strict";
import type { ProviderConfig } from "../../src/config/llm.ts";
import type { LlmMessage, LlmProvider } from "../../src/core/llm.ts";
import { type FakeLlm, fakeUsage } from "../fixtures/fake_llm.ts";
import {
  collect,
  finishOf,
  newLlmTool,
  newRequest,
  openTestRoom,
  settleWith,
  type TestRoom,
  textOf,
  toLlmConfig,
} from "./room.ts";

/** One kind of provider under the contract. */
export interface ContractSubject {
  readonly kind: NonNullable<ProviderConfig["kind"]>;
  open(): FakeLlm;
  /** What the vendor reports of its prompt cache. */
  readonly caches: { readonly read: number; readonly write: number };
  readonly images: boolean;
  /** Whether the protocol lets a model write arguments that are no JSON. */
  readonly textArguments: boolean;
}

const key = "sk-very-secret-key";
/** So long that no deadline passes while a test moves the clock through waits of seconds. */
const patient = { first_chunk: "10h", idle: "10h", total: "20h" } as const;

interface ContractCase extends TestRoom {
  readonly fake: FakeLlm;
  readonly provider: LlmProvider;
}

/** Every provider passes this list. */
export function testProvider(subject: ContractSubject): void {
  const test = (name: string, run: (room: ContractCase) => Promise<void>, settings: Record<string, unknown> = {}) =>
    Deno.test(`${subject.kind} ${name}`, async () => {
      await using fake = subject.open();
      const room = openTestRoom();
      const provider = { kind: subject.kind, api_key: key, base_url: fake.baseUrl, timeouts: patient, ...settings };
      const models = room.llm.at(toLlmConfig({ providers: { vendor: provider } }));
      await run({ ...room, fake, provider: models.resolve({ provider: "vendor", model: "fake-model" }, []).provider });
      // What a call leaves behind would be a leak of every call.
      await room.clock.advance(0);
      assert.equal(room.clock.waiting, 0);
    });

  test("streams text and ends in one finish with usage", async ({ fake, provider }) => {
    fake.script({ type: "answer", text: ["Good ", "day, ", "Bob."] });
    const chunks = await collect(provider, newRequest());
    assert.deepEqual(chunks.filter(({ type }) => type === "text").length, 3);
    assert.equal(textOf(chunks), "Good day, Bob.");
    const { reason, usage, provider: id, model } = finishOf(chunks);
    assert.deepEqual({ reason, id, model }, { reason: "stop", id: "vendor", model: "fake-model" });
    assert.deepEqual(usage, {
      inputTokens: fakeUsage.input,
      outputTokens: fakeUsage.output,
      cacheReadTokens: subject.caches.read,
      cacheWriteTokens: subject.caches.write,
    });
    assert.match(fake.requests[0]?.system ?? "", /You are Ana\.\n+It is noon\./);
  });

  test("offers tools, and gives back a call with its parsed input", async ({ fake, provider }) => {
    fake.script({
      type: "answer",
      text: ["Let me look."],
      calls: [{ id: "call_1", name: "weather", arguments: '{"place":"Graz"}' }],
    });
    const chunks = await collect(provider, newRequest({ tools: [newLlmTool("weather"), newLlmTool("clock")] }));
    assert.deepEqual(chunks.filter(({ type }) => type === "toolCall"), [
      { type: "toolCall", call: { id: "call_1", name: "weather", input: { place: "Graz" } } },
    ]);
    assert.equal(finishOf(chunks).reason, "tool_calls");
    assert.deepEqual(fake.requests[0]?.toolNames, ["weather", "clock"]);
    assert.equal(fake.requests[0]?.toolChoice, "auto");
  });

  test("gives back parallel calls in order", async ({ fake, provider }) => {
    const calls = ["Graz", "Linz", "Wels"].map((place, index) => ({
      id: `call_${index}`,
      name: "weather",
      arguments: JSON.stringify({ place }),
    }));
    fake.script({ type: "answer", calls });
    const chunks = await collect(provider, newRequest({ tools: [newLlmTool("weather")] }));
    assert.deepEqual(
      chunks.flatMap((chunk) => chunk.type === "toolCall" ? [chunk.call.input] : []),
      [{ place: "Graz" }, { place: "Linz" }, { place: "Wels" }],
    );
  });

  test("sends calls and their results back, with the provider's state", async ({ fake, provider }) => {
    fake.script({
      type: "answer",
      text: ["Looking."],
      calls: [
        { id: "call_1", name: "weather", arguments: '{"place":"Graz"}' },
        { id: "call_2", name: "clock", arguments: "{}" },
      ],
    });
    const first = newRequest({ tools: [newLlmTool("weather"), newLlmTool("clock")] });
    const chunks = await collect(provider, first);
    const finish = finishOf(chunks);
    const messages: LlmMessage[] = [
      ...first.messages,
      {
        role: "assistant",
        text: textOf(chunks),
        toolCalls: chunks.flatMap((chunk) => chunk.type === "toolCall" ? [chunk.call] : []),
        ...(finish.providerState === undefined
          ? {}
          : { providerState: JSON.parse(JSON.stringify(finish.providerState)) }),
      },
      {
        role: "tool",
        results: [
          { callId: "call_1", name: "weather", content: [{ type: "text", text: "rain" }], isError: false },
          { callId: "call_2", name: "clock", content: [{ type: "text", text: "stopped" }], isError: true },
        ],
      },
    ];
    assert.equal(textOf(await collect(provider, { ...first, messages, toolChoice: "none" })), "hello world");
    const second = fake.requests[1];
    assert.deepEqual(second?.toolCalls.map(({ name, input }) => ({ name, input })), [
      { name: "weather", input: { place: "Graz" } },
      { name: "clock", input: {} },
    ]);
    assert.deepEqual(second?.toolResults, [{ id: "call_1", text: "rain" }, { id: "call_2", text: "stopped" }]);
    assert.equal(second?.toolChoice, "none");
  });

  test("shows images of the user and of tools where its models can see them", async ({ fake, provider }) => {
    const image = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
    const base64 = image.toBase64();
    const messages: LlmMessage[] = [
      { role: "user", content: [{ type: "image", mimeType: "image/png", data: image }] },
      { role: "assistant", text: "", toolCalls: [{ id: "call_1", name: "camera", input: {} }] },
      {
        role: "tool",
        results: [{
          callId: "call_1",
          name: "camera",
          content: [{ type: "text", text: "click" }, { type: "image", mimeType: "image/png", base64 }],
          isError: false,
        }],
      },
    ];
    await collect(provider, newRequest({ messages, tools: [newLlmTool("camera")] }));
    const seen = fake.requests[0]?.images ?? [];
    assert.deepEqual(seen, subject.images ? Array(2).fill({ mimeType: "image/png", base64 }) : []);
    if (!subject.images) assert.match(JSON.stringify(fake.requests[0]?.body), /cannot see images/);
  });

  if (subject.textArguments) {
    test("marks a call whose arguments are no JSON, and can send it back", async ({ fake, provider }) => {
      fake.script({ type: "answer", calls: [{ id: "call_1", name: "weather", arguments: '{"place":Graz' }] });
      const request = newRequest({ tools: [newLlmTool("weather")] });
      const calls = (await collect(provider, request)).flatMap((chunk) =>
        chunk.type === "toolCall" ? [chunk.call] : []
      );
      assert.equal(calls[0]?.input, '{"place":Graz');
      assert.match(calls[0]?.inputError ?? "", /no JSON/);
      await collect(provider, {
        ...request,
        messages: [
          ...request.messages,
          { role: "assistant", text: "", toolCalls: calls },
          {
            role: "tool",
            results: [{ callId: "call_1", name: "weather", content: [{ type: "text", text: "no" }], isError: true }],
          },
        ],
      });
      assert.deepEqual(fake.requests[1]?.toolCalls[0]?.input, { unreadable: '{"place":Graz' });
    });
  }

  test("is denied with a remedy when the key is refused, and does not ask again", async ({ fake, provider }) => {
    fake.script({ type: "status", status: 401, message: `Incorrect key: ${key}` });
    await assert.rejects(collect(provider, newRequest()), (error: Error) => {
      assert.equal("kind" in error && error.kind, "denied");
      assert.match(error.message, /vendor.*providers\.vendor\.api_key in llm\.yaml/);
      assert.doesNotMatch(Deno.inspect(error, { depth: 9 }), /secret-key/);
      return true;
    });
    assert.equal(fake.requests.length, 1);
  });

  test("is invalid when the request is refused, and never shows the key", async ({ fake, provider }) => {
    fake.script({ type: "status", status: 400, message: `Too long. Key was ${key}` });
    await assert.rejects(collect(provider, newRequest()), (error: Error) => {
      assert.equal("kind" in error && error.kind, "invalid");
      assert.match(error.message, /Too long\. Key was \[secret\]/);
      assert.doesNotMatch(Deno.inspect(error, { depth: 9 }), /secret-key|You are Ana/);
      return true;
    });
    assert.equal(fake.requests.length, 1);
  });

  test("waits as long as a 429 asks for and then answers", async ({ fake, provider, clock, metrics }) => {
    const askedAt: number[] = [];
    fake.onRequest = () => askedAt.push(clock.monotonic());
    fake.script(
      { type: "status", status: 429, headers: { "retry-after": "7" } },
      { type: "status", status: 429, headers: { "retry-after": new Date(clock.now() + 20_000).toUTCString() } },
    );
    const chunks = await settleWith(clock, collect(provider, newRequest()));
    assert.equal(textOf(chunks), "hello world");
    const [first = NaN, second = NaN, third = NaN] = askedAt;
    assert.ok(second - first >= 7_000 && second - first < 10_000, `waited ${second - first}`);
    assert.ok(third >= 20_000 && third < 23_000, `waited until ${third}`);
    assert.equal(metrics.valueOf("nexo_llm_retries_total", { provider: "vendor", kind: "unavailable" }), 2);
  });

  test("answers after two failures of the server", async ({ fake, provider, clock, metrics }) => {
    fake.script({ type: "status", status: 500 }, { type: "status", status: 529 });
    assert.equal(textOf(await settleWith(clock, collect(provider, newRequest()))), "hello world");
    assert.equal(fake.requests.length, 3);
    assert.equal(metrics.valueOf("nexo_llm_requests_total", { result: "ok", model: "fake-model" }), 1);
  });

  test("gives up after three failures", async ({ fake, provider, clock, metrics }) => {
    fake.script(...Array(3).fill({ type: "status", status: 503 }));
    await assert.rejects(settleWith(clock, collect(provider, newRequest())), { kind: "unavailable" });
    assert.equal(fake.requests.length, 3);
    assert.equal(metrics.valueOf("nexo_llm_requests_total", { result: "unavailable" }), 1);
  });

  test("is unavailable when nobody listens", async ({ provider, clock }) => {
    await assert.rejects(settleWith(clock, collect(provider, newRequest())), (error: Error) => {
      assert.equal("kind" in error && error.kind, "unavailable");
      assert.match(error.message, /Cannot reach Model fake-model of vendor at 127\.0\.0\.1:\d+/);
      return true;
    });
  }, { base_url: `http://127.0.0.1:${freePort()}/v1` });

  for (
    const [what, contentType, body] of [
      ["a page", "text/html", "<html><body>Welcome</body></html>"],
      ["events that are no JSON", "text/event-stream", "data: {oops\n\n"],
      ["events of another protocol", "text/event-stream", 'data: {"type":"nonsense","v":1}\n\n'],
      ["nothing", "text/event-stream", ""],
    ] as const
  ) {
    test(`is unavailable when the server sends ${what}`, async ({ fake, provider, clock }) => {
      fake.script(...Array(3).fill({ type: "raw", contentType, body }));
      await assert.rejects(settleWith(clock, collect(provider, newRequest())), { kind: "unavailable" });
      assert.equal(fake.requests.length, 3);
    });
  }

  for (const hard of [false, true]) {
    test(`says when an answer is cut half-way (${hard ? "broken" : "closed"})`, async ({ fake, provider }) => {
      fake.script({ type: "cut", hard });
      const seen: string[] = [];
      await assert.rejects(async () => {
        for await (const chunk of provider.stream(newRequest(), new AbortController().signal)) seen.push(chunk.type);
      }, { kind: "unavailable", reason: "stream_cut" });
      assert.deepEqual(seen, ["text"]);
      assert.equal(fake.requests.length, 1);
    });
  }

  test("passes on an error that comes in the middle of a stream", async ({ fake, provider }) => {
    fake.script({ type: "streamError", message: "Overloaded" });
    await assert.rejects(collect(provider, newRequest()), { kind: "unavailable", message: /Overloaded/ });
  });

  test("ends an answer that does not stop", async ({ fake, provider }) => {
    fake.script({ type: "endless" });
    await assert.rejects(collect(provider, newRequest()), { kind: "unavailable", reason: "answer_too_long" });
    await fake.left;
  });

  test("times out when no first chunk comes", async ({ fake, provider, clock }) => {
    fake.script(...Array(3).fill({ type: "hang" }));
    const result = settleWith(clock, collect(provider, newRequest()));
    await assert.rejects(result, { kind: "timeout", reason: "first_chunk" });
    await fake.left;
  }, { timeouts: { first_chunk: "60s", idle: "30s", total: "5m" } });

  test("times out when an answer falls silent", async ({ fake, provider, clock }) => {
    fake.script({ type: "silent" });
    const stream = provider.stream(newRequest(), new AbortController().signal)[Symbol.asyncIterator]();
    assert.equal((await stream.next()).value?.type, "text");
    await assert.rejects(settleWith(clock, stream.next()), { kind: "timeout", reason: "idle" });
    await fake.left;
  }, { timeouts: { first_chunk: "10h", idle: "30s", total: "10h" } });

  test("lets go of the socket when cancelled", async ({ fake, provider }) => {
    fake.script({ type: "silent" });
    const controller = new AbortController();
    const stream = provider.stream(newRequest(), controller.signal)[Symbol.asyncIterator]();
    await stream.next();
    const next = assert.rejects(stream.next(), { kind: "cancelled" });
    controller.abort();
    await next;
    await fake.left;
  });

  test("lets go of the socket when cancelled before the first chunk", async ({ fake, provider }) => {
    fake.script({ type: "hang" });
    const controller = new AbortController();
    const asked = new Promise<void>((resolve) => fake.onRequest = resolve);
    const result = assert.rejects(collect(provider, newRequest(), controller.signal), { kind: "cancelled" });
    await asked;
    controller.abort();
    await result;
    await fake.left;
  });

  test("lets go of the socket when the reader leaves", async ({ fake, provider }) => {
    fake.script({ type: "silent" });
    for await (const chunk of provider.stream(newRequest(), new AbortController().signal)) {
      assert.equal(chunk.type, "text");
      break;
    }
    await fake.left;
  });
}

/** A port on which nobody listens: one that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
