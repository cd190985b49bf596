import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { openHttpFixture, toTurnBase } from "./http_fixture.ts";

const message = { plugin: "console", agent: "ana", conversation: "c1", sender: "operator", text: "Hi" } as const;

Deno.test("messages that were merged into one turn all get its reply", async () => {
  await using http = await openHttpFixture();
  using first = await http.room.web.ask({ ...message, messageId: "m1" });
  using second = await http.room.web.ask({ ...message, messageId: "m2" });
  await http.reply(await http.nextInbound(), { inReplyTo: ["m1", "m2"], text: "To both" });
  assert.equal((await first.reply()).text, "To both");
  assert.equal((await second.reply()).text, "To both");
});

Deno.test("a reply reaches only its own agent, plugin and conversation", async () => {
  await using http = await openHttpFixture();
  using wanted = await http.room.web.ask({ ...message, messageId: "m1" });
  const inbound = await http.nextInbound();
  for (
    const other of [{ plugin: "api" }, { instance: "kate" }, { message: { ...inbound.message, conversation: "c2" } }]
  ) {
    await http.reply({ ...inbound, ...other }, { text: "Not yours" });
  }
  await http.reply(inbound, { text: "Yours" });
  assert.equal((await wanted.reply()).text, "Yours");
});

Deno.test("tokens are told also where the turn's end comes after the reply", async () => {
  await using http = await openHttpFixture();
  using exchange = await http.room.web.ask({ ...message, messageId: "m1" });
  await http.run(await http.nextInbound(), ["Hello"]);
  const { inputTokens, outputTokens } = await exchange.reply();
  assert.deepEqual([inputTokens, outputTokens], [7, 3]);
});

Deno.test("a message that came into a running turn sees the rest of it", async () => {
  await using http = await openHttpFixture();
  using exchange = await http.room.web.ask({ ...message, messageId: "m2" });
  const inbound = await http.nextInbound();
  const base = toTurnBase("console", "ana", inbound.message);
  const numbers = { inputTokens: 2, outputTokens: 1, costUsd: null, tookMs: 1 };
  http.emit({ ...base, type: "ended", answers: ["m1", "m2"], outcome: "answered", text: "Both", ...numbers });
  await http.reply(inbound, { inReplyTo: ["m1", "m2"], text: "Both" });
  assert.deepEqual(await exchange.reply(), {
    outcome: "answered",
    text: "Both",
    turnId: "turn-1",
    inputTokens: 2,
    outputTokens: 1,
  });
});

Deno.test("a wait that was given up makes room, and its turn goes on", async () => {
  await using http = await openHttpFixture();
  const exchange = await http.room.web.ask({ ...message, messageId: "m1" });
  exchange[Symbol.dispose]();
  await assert.rejects(exchange.reply(), (error: AppError) => error.kind === "cancelled");
  for await (const _ of exchange.events) assert.fail("nothing more is seen");
  await http.reply(await http.nextInbound());
});

Deno.test("no more than 2000 requests wait at the same time", async () => {
  await using http = await openHttpFixture();
  for (let index = 0; index < 2_000; index++) await http.room.web.ask({ ...message, messageId: `m${index}` });
  const refused = (error: AppError) => error.reason === "too_many_waiting" && error.retryAfterMs === 5_000;
  await assert.rejects(http.room.web.ask({ ...message, messageId: "one more" }), refused);
  assert.equal(http.bus.published.length, 2_000);
});

Deno.test("a message that could not be stored is refused with the bus's own reason", async () => {
  await using http = await openHttpFixture();
  http.bus.refuseNext(new AppError("unavailable", "The disk is full", { reason: "ledger_full" }));
  await assert.rejects(http.room.web.ask({ ...message, messageId: "m1" }), { reason: "ledger_full" });
});
