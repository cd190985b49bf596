import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { type FakeModelRule, openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";

/** One way in which a model is bad, and what must come of it. */
interface Fault {
  readonly name: string;
  readonly rules: readonly FakeModelRule[];
  /** What the user reads. */
  readonly reply: RegExp;
  /** How often the model is asked; absent: not told. */
  readonly requests?: number;
  /** It never comes to an end by itself. */
  readonly isEndless?: true;
}

const apology = /^Sorry, I could not answer that/;

const faults: readonly Fault[] = [
  { name: "answers garbage", rules: [{ act: "garbage" }], reply: apology },
  { name: "answers garbage once", rules: [{ act: "garbage", times: 1 }], reply: /^answer to: hello$/, requests: 2 },
  {
    name: "calls an unknown tool",
    rules: [{ act: "call", tool: "no_such_tool", times: 1 }],
    reply: /tool said: .*no_such_tool/,
    requests: 2,
  },
  {
    name: "calls a tool with arguments that are no JSON",
    rules: [{ act: "call", tool: "no_such_tool", toolArguments: '{"a": ', times: 1 }],
    reply: /tool said: /,
    requests: 2,
  },
  { name: "streams without end", rules: [{ act: "endless" }], reply: apology, isEndless: true },
  { name: "is cut half-way, once", rules: [{ act: "cut", times: 1 }], reply: /^answer to: hello$/, requests: 2 },
  { name: "is always cut half-way", rules: [{ act: "cut" }], reply: apology, requests: 3 },
  { name: "fails twice", rules: [{ act: "status", status: 500, times: 2 }], reply: /^answer to: hello$/, requests: 3 },
  {
    name: "is rate limited four times",
    rules: [{ act: "status", status: 429, times: 4 }],
    reply: /^answer to: hello$/,
    requests: 5,
  },
  { name: "refuses the request", rules: [{ act: "status", status: 400 }], reply: apology, requests: 1 },
  { name: "says nothing", rules: [{ act: "hang" }], reply: apology, isEndless: true },
  { name: "calls tools for ever", rules: [{ act: "call", tool: "no_such_tool" }], reply: /\S/ },
];

for (const { name, rules, reply, requests, isEndless } of faults) {
  Deno.test(`a model that ${name} leads to one reply`, async () => {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    await model.setRules(rules);
    const config = newTestConfig({
      modelUrl: model.baseUrl,
      telegram,
      agentConfig: { max_model_calls: 3 },
      provider: isEndless ? { timeouts: { first_chunk: "300ms", idle: "300ms", total: "1s" } } : {},
    });
    {
      await using _nexo = await startNexo({ config });
      telegram.inject({ chat: 1, text: "hello" });
      const sent = await telegram.nextSent(() => true, AbortSignal.timeout(60_000));
      assert.match(sent.text, reply);
    }
    assert.equal(telegram.sent.length, 1);
    if (requests !== undefined) assert.equal((await model.requests()).length, requests);
  });
}
