import assert from "node:assert/strict";
import { z } from "zod";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { type BlackBox, eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);
const listSchema = z.object({
  items: z.array(
    z.looseObject({ id: z.number(), hop: z.string(), eventId: z.string(), replayedAt: z.string().nullable() }),
  ),
});
const detailSchema = z.looseObject({ eventId: z.string(), body: z.unknown() });

async function listDead(box: BlackBox) {
  return listSchema.parse(await box.get("/api/dead-letters")).items;
}

Deno.test("a failed turn tells the user, and its replay answers under the same id", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await model.setRules([{ act: "status", status: 400, times: 1 }]);
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  telegram.inject({ chat: 1, text: "the poor question" });
  const apology = await telegram.nextSent(() => true, soon());
  assert.match(apology.text, /Sorry/);
  await eventually(async () => (await listDead(box)).length === 1, "a dead letter");
  const [dead] = await listDead(box);
  assert.equal(dead?.hop, "turn");
  const detail = detailSchema.parse(await box.get(`/api/dead-letters/${dead?.id}`));
  assert.match(JSON.stringify(detail.body), /the poor question/);
  assert.deepEqual(await box.post("/api/dead-letters/replay", { ids: [dead?.id], dryRun: true }), {
    count: 1,
    dryRun: true,
  });
  assert.equal(telegram.sent.length, 1);
  await Promise.all([1, 2, 3].map(() => box.post("/api/dead-letters/replay", { ids: [dead?.id] })));
  await telegram.nextSent(({ text }) => text.includes("answer to: the poor question"), soon());
  telegram.inject({ chat: 1, text: "next" });
  await telegram.nextSent(({ text }) => text.includes("next"), soon());
  assert.equal(telegram.sent.length, 3, "replayed once");
  const left = await listDead(box);
  assert.ok(left.every(({ replayedAt }) => replayedAt !== null), JSON.stringify(left));
  await box.post("/api/dead-letters/purge", { filter: {} });
  assert.deepEqual(await listDead(box), []);
});

Deno.test("a replay that fails again is a dead letter again, and the user is told again", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await model.setRules([{ act: "status", status: 400, times: 2 }]);
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  telegram.inject({ chat: 1, text: "twice poor" });
  await eventually(async () => (await listDead(box)).length === 1, "a dead letter");
  const first = (await listDead(box))[0];
  await box.post("/api/dead-letters/replay", { ids: [first?.id] });
  const open = async () => (await listDead(box)).filter(({ replayedAt }) => replayedAt === null);
  await eventually(async () => (await open()).some(({ id }) => id !== first?.id), "another dead letter");
  const second = (await open())[0];
  assert.equal(second?.eventId, first?.eventId, "the event keeps its id");
  await box.post("/api/dead-letters/replay", { ids: [second?.id] });
  await telegram.nextSent(({ text }) => text.includes("answer to: twice poor"), soon());
});

Deno.test("a program is told why its turn failed, with a status that says so", async () => {
  await using model = openFakeModel();
  await model.setRules([{ act: "status", status: 400 }]);
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const box = newBlackBox(nexo);
  const { status, text } = await box.chat({ user: "u", text: "hello" });
  assert.ok(status >= 400, `${status} ${text}`);
  assert.match(text, /"error"/);
});

for (
  const { name, budget, prices, reply } of [
    { name: "tokens of the day are used up", budget: { daily_tokens: 1 }, prices: {}, reply: /budget/i },
    { name: "tokens of the month are used up", budget: { monthly_tokens: 1 }, prices: {}, reply: /budget/i },
    {
      name: "money of the day is used up",
      budget: { daily_usd: 0.000001 },
      prices: { "fake-1": { input: 1000, output: 1000 } },
      reply: /budget/i,
    },
    { name: "the price is not known", budget: { daily_usd: 5 }, prices: {}, reply: /price/i },
  ] as const
) {
  Deno.test(`no model is asked when ${name}, and everybody is told why`, async () => {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram, agent: { budget }, provider: { prices } }),
    });
    const box = newBlackBox(nexo);
    for (const text of ["one", "two"]) {
      telegram.inject({ chat: 1, text });
      const before = telegram.sent.length;
      await telegram.nextSent((message) => telegram.sent.indexOf(message) >= before, soon());
    }
    assert.match(telegram.sent[1]?.text ?? "", reply);
    const asked = (await model.requests()).length;
    assert.ok(asked <= 1, `${asked} calls`);
    const scrape = await (await fetch(`${nexo.metrics}/metrics`)).text();
    assert.match(scrape, /nexo_refusals_total\{[^}]*(budget|price)[^}]*\} [1-9]/);
    assert.ok((await listDead(box)).length >= 1);
  });
}
