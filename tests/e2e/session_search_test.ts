import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("an agent finds what the person who asks has said, and nothing of anybody else, in private and in groups", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi({ username: "nexo_bot" });
  await using _nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  await model.setRules([{
    when: "look it up",
    afterTool: false,
    act: "call",
    tool: "session_search",
    toolArguments: JSON.stringify({ query: 'zebra" OR "giraffe" OR text:zebra' }),
  }, {
    when: "search the zebra",
    afterTool: false,
    act: "call",
    tool: "session_search",
    toolArguments: JSON.stringify({ query: "zebra" }),
  }]);
  const mention = { entities: [{ type: "mention", offset: 0, length: 9 }] };
  const say = async (chat: number, from: number, text: string) => {
    const known = telegram.sent.length;
    telegram.inject({ chat, from, text: `@nexo_bot ${text}`, extra: mention });
    await telegram.nextSent((message) => telegram.sent.indexOf(message) >= known && message.chatId === chat, soon());
  };
  // The answer of the tool is the last message of the request that follows it.
  const found = async () => JSON.stringify((await model.requests()).at(-1)?.messages?.at(-1));
  await say(1, 1, "zebra one");
  await say(2, 2, "zebra two");
  await say(-5, 2, "zebra group");
  await say(1, 1, "look it up");
  assert.doesNotMatch(await found(), /zebra two|zebra group/, "syntax in a query is words");
  await say(1, 1, "search the zebra");
  assert.match(await found(), /zebra one/);
  assert.doesNotMatch(await found(), /zebra two|zebra group/);
  await say(-5, 2, "search the zebra");
  assert.match(await found(), /zebra group/);
  assert.doesNotMatch(await found(), /zebra one|zebra two/);
});
