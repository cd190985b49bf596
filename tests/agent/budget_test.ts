import assert from "node:assert/strict";
import { newBudgets } from "../../src/agent/budget.ts";
import { finish, newConfig, openRoom } from "./room.ts";

const price = { inputPerMillion: 1_000_000, outputPerMillion: 0, cacheReadPerMillion: 0, cacheWritePerMillion: 0 };

Deno.test("tokens of a day are counted, and the next call after the last is refused with a word to the user", async () => {
  await using room = await openRoom({ agents: [{ budget: { daily_tokens: 20 } }] });
  for (const text of ["one", "two"]) {
    await room.say(text);
    await room.untilIdle();
  }
  await room.say("three");
  await room.untilSent(3);
  assert.equal(room.requests.length, 2);
  assert.match(room.sent[2]?.text ?? "", /the budget is used up/);
  assert.deepEqual(room.rows("SELECT kind, reason FROM dead"), [{ kind: "denied", reason: "budget_day_tokens" }]);
  room.clock.skip(24 * 3_600_000);
  await room.say("tomorrow");
  await room.untilSent(4);
  assert.equal(room.sent[3]?.outcome, "answered");
});

Deno.test("a restart does not forget what was used", async () => {
  await using room = await openRoom({ agents: [{ budget: { monthly_tokens: 15 } }] });
  await room.say("one");
  await room.untilIdle();
  await room.restart();
  await room.say("two");
  await room.untilSent(2);
  assert.equal(room.sent[1]?.outcome, "failed");
});

Deno.test("money is counted by the price of what was used", async () => {
  await using room = await openRoom({ agents: [{ budget: { daily_usd: 15 } }], price: () => price });
  for (const text of ["one", "two", "three"]) {
    await room.say(text);
    await room.untilIdle();
  }
  assert.equal(room.requests.length, 2);
  assert.deepEqual(room.rows("SELECT cost_usd FROM usage"), [{ cost_usd: 20 }]);
  assert.deepEqual(room.rows("SELECT reason FROM dead"), [{ reason: "budget_day_usd" }]);
});

Deno.test("an unknown price is refused only where a budget is in money", async () => {
  await using room = await openRoom({ agents: [{ budget: { daily_tokens: 1_000 } }] });
  await room.say("one");
  await room.untilIdle();
  room.configure({ agents: [{ budget: { daily_usd: 1_000 } }] });
  await room.say("two");
  await room.untilSent(2);
  assert.equal(room.requests.length, 1);
  assert.deepEqual(room.rows("SELECT reason FROM dead"), [{ reason: "price_unknown" }]);
});

Deno.test("the price of every model that may answer must be known", async () => {
  const fallback = { fallback_models: [{ provider: "other", model: "big" }] };
  await using room = await openRoom({
    agents: [{ budget: { daily_usd: 1_000 }, ...fallback }],
    price: (provider) => provider === "fake" ? price : undefined,
  });
  await room.say("one");
  await room.untilSent(1);
  assert.deepEqual(room.rows("SELECT reason FROM dead"), [{ reason: "price_unknown" }]);
});

Deno.test("calls at the same time cannot all slip through what is left", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using room = await openRoom({
    agents: [{ budget: { daily_tokens: 1_500 } }],
    async *script() {
      await promise;
      yield { type: "text", text: "done" };
      yield finish();
    },
  });
  for (let chat = 1; chat <= 10; chat++) await room.say("hello", { conversation: `${chat}` });
  await room.untilSent(8);
  assert.equal(room.requests.length, 2);
  resolve();
  await room.untilSent(10);
  assert.equal(room.sent.filter(({ outcome }) => outcome === "answered").length, 2);
});

Deno.test("a call that fails gives back what it held", async () => {
  await using room = await openRoom();
  const [agent] = newConfig({ agents: [{ budget: { daily_tokens: 100 } }] }).agents;
  assert.ok(agent);
  const budgets = newBudgets({ read: room.ledger.read, clock: room.clock, metrics: room.metrics });
  const estimate = { inputTokens: 90, outputTokens: 20 };
  {
    using _held = budgets.reserve(agent, undefined, estimate);
    assert.throws(() => budgets.reserve(agent, undefined, estimate), { reason: "budget_day_tokens" });
  }
  using held = budgets.reserve(agent, undefined, estimate);
  held.settle({ tokens: 10, costUsd: 0 });
  held.settle({ tokens: 1_000, costUsd: 0 });
  using _next = budgets.reserve(agent, undefined, estimate);
  assert.equal(room.metrics.valueOf("nexo_budget_used_ratio", { period: "day", unit: "tokens" }), 0.1);
});
