import assert from "node:assert/strict";
import { toFate } from "../../plugins/whatsapp/fate.ts";
import { newLimiter } from "../../plugins/whatsapp/limiter.ts";
import { toWhatsAppText } from "../../plugins/whatsapp/markup.ts";
import { toMessageId } from "../../plugins/whatsapp/message_id.ts";
import { watchTraffic } from "../../plugins/whatsapp/traffic.ts";
import { toRichText } from "../../src/lib/rich_text.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";

const written: Readonly<Record<string, string>> = {
  "**bold** and *italic* and ~~gone~~": "*bold* and _italic_ and ~gone~",
  "**all _of_ it**": "*all _of_ it*",
  "# Title": "*Title*",
  "- one\n- **two**": "• one\n• *two*",
  "`code`": "`code`",
  "```js\nlet a;\n```": "```\nlet a;\n```",
  "> said\n> **twice**": "> said\n> *twice*",
  "[nexo](https://example.com)": "nexo (https://example.com)",
  "[https://example.com](https://example.com)": "https://example.com",
  "2 * 3 * 4": "2 * 3 * 4",
};

for (const [markdown, text] of Object.entries(written)) {
  Deno.test(`whatsapp writes ${JSON.stringify(markdown)} as people do`, () => {
    assert.equal(toWhatsAppText(toRichText(markdown)), text);
  });
}

Deno.test("the id of a part of a message is always the same, and its own", () => {
  assert.match(toMessageId("turn:reply", 0), /^3EB0[0-9A-F]{18}$/);
  assert.equal(toMessageId("turn:reply", 0), toMessageId("turn:reply", 0));
  assert.notEqual(toMessageId("turn:reply", 0), toMessageId("turn:reply", 1));
  assert.notEqual(toMessageId("1 a", 1), toMessageId("a", 11));
});

Deno.test("a limiter lets a burst pass, then one at a time, each key by itself", async () => {
  const clock = newFakeClock();
  const limiter = newLimiter({ perSecond: 2, burst: 2 }, clock);
  const { signal } = new AbortController();
  const passed: string[] = [];
  const take = async (key: string) => {
    await limiter.take(key, signal);
    passed.push(key);
  };
  const all = Promise.all([take("a"), take("a"), take("a"), take("a"), take("b")]);
  await clock.advance(0);
  assert.deepEqual(passed.toSorted(), ["a", "a", "b"]);
  await clock.advance(499);
  assert.equal(passed.length, 3);
  await clock.advance(1);
  assert.equal(passed.length, 4);
  await clock.advance(500);
  await all;
  assert.equal(clock.waiting, 0);
});

Deno.test("a connection that says nothing for too long is told as silent until it speaks", async () => {
  const clock = newFakeClock();
  const over = new AbortController();
  const told: string[] = [];
  let hear = () => {};
  const watching = watchTraffic({
    clock,
    maxSilenceMs: 40_000,
    listen: (heard) => void (hear = heard),
    silent: (seconds) => told.push(`silent ${seconds}`),
    heard: () => told.push("heard"),
  }, over.signal);
  await clock.advance(30_000);
  hear();
  await clock.advance(39_000);
  assert.deepEqual(told, []);
  await clock.advance(1_000);
  assert.deepEqual(told, ["silent 40"]);
  hear();
  assert.deepEqual(told, ["silent 40", "heard"]);
  over.abort();
  await watching;
  assert.equal(clock.waiting, 0);
});

Deno.test("a login that was refused is never tried again with the same credentials", () => {
  assert.equal(toFate(515, true).kind, "again");
  assert.equal(toFate(401, true).kind, "pair_anew");
  for (const code of [403, 405, 411, 440]) assert.equal(toFate(code, true).kind, "stop");
  for (const code of [408, 428, 500, 503]) assert.equal(toFate(code, true).kind, "retry");
});
