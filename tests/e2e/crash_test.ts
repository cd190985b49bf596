import assert from "node:assert/strict";
import { type CrashPlan, formatCrashPlan } from "../fixtures/crash_ledger.ts";
import { type FakeBotApi, openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { type FakeModel, openFakeModel } from "../fixtures/fake_model.ts";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { openProbe, type Probe } from "../fixtures/probe_tools.ts";
import { type Chats, newChats } from "./chats.ts";

/** Everything outside of the process that a test kills, and the data folder that outlives it. */
interface World extends AsyncDisposable {
  readonly model: FakeModel;
  readonly telegram: FakeBotApi;
  readonly probe: Probe;
  readonly chats: Chats;
  readonly dataDir: string;
  start(plan?: CrashPlan, runtime?: Readonly<Record<string, unknown>>): Promise<NexoProcess>;
}

async function openWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const telegram = stack.use(await openFakeBotApi());
  const probe = stack.use(openProbe());
  const dataDir = stack.use(await openTempDir()).path;
  const owned = stack.move();
  return {
    model,
    telegram,
    probe,
    dataDir,
    chats: newChats(telegram),
    start: (plan, runtime = {}) =>
      startNexo({
        config: newTestConfig({ modelUrl: model.baseUrl, telegram, agent: { allowed_tools: ["probe_*"] }, runtime }),
        dataDir,
        entry: new URL("../fixtures/crash_main.ts", import.meta.url),
        env: { PROBE_URL: probe.url, ...(plan ? { CRASH_PLAN: formatCrashPlan(plan) } : {}) },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts again, waits until everybody has an answer, stops in order, and checks the provider's record. */
async function recover(world: World): Promise<void> {
  {
    await using nexo = await world.start();
    await world.chats.answered(AbortSignal.timeout(30_000));
    await nexo.idle();
  }
  world.chats.check(world.dataDir);
}

/** Waits until a planned crash has happened. */
async function crashed(nexo: NexoProcess): Promise<void> {
  const timer = setTimeout(() => nexo.kill("SIGTERM"), 20_000);
  const { signal } = await nexo.stopped;
  clearTimeout(timer);
  assert.equal(signal, "SIGKILL", `the planned crash did not come:\n${nexo.stderr().slice(-20).join("\n")}`);
}

async function kill(nexo: NexoProcess): Promise<void> {
  nexo.kill("SIGKILL");
  await nexo.stopped;
}

function writeToThree({ chats }: World): void {
  for (let round = 0; round < 2; round++) for (const chat of [1, 2, 3]) chats.write(chat, "tool:probe_idempotent {}");
}

const plans: readonly CrashPlan[] = (["T1", "T2", "T3", "T4", "T5"] as const).flatMap((point): CrashPlan[] => [
  { point, when: "after", nth: 1 },
  { point, when: "after", nth: 3 },
  { point, when: "before", nth: 2 },
]);

for (const plan of plans) {
  Deno.test(`a crash ${plan.when} ${plan.point} number ${plan.nth} loses and doubles nothing`, async () => {
    await using world = await openWorld();
    {
      await using doomed = await world.start(plan);
      writeToThree(world);
      await crashed(doomed);
    }
    await recover(world);
  });
}

/** Kills the process while Telegram carries out a send, so that nobody here ever learns of it. */
async function loseSend(world: World): Promise<void> {
  await using doomed = await world.start();
  const held = world.telegram.hold("sendMessage");
  world.chats.write(1);
  await held.arrived;
  await kill(doomed);
  held.release();
  await world.chats.answered(AbortSignal.timeout(60_000));
}

Deno.test("a send whose answer was lost is sent again, and flagged", async () => {
  await using world = await openWorld();
  await loseSend(world);
  {
    await using nexo = await world.start();
    await world.telegram.nextSent(() => world.telegram.sent.length === 2, AbortSignal.timeout(60_000));
    await nexo.idle();
  }
  world.chats.check(world.dataDir);
});

Deno.test("a send whose answer was lost becomes a dead letter, where the policy says so", async () => {
  await using world = await openWorld();
  await loseSend(world);
  {
    await using nexo = await world.start(undefined, { outbound: { unknown_send: "hold" } });
    await nexo.nextLog("outbox.dead");
    world.chats.write(2);
    await world.chats.answered(AbortSignal.timeout(60_000));
    await nexo.idle();
  }
  world.chats.check(world.dataDir, 1);
  assert.equal(world.telegram.sent.length, 2);
});

Deno.test("a send that the channel wrote down is not sent again, and not flagged", async () => {
  await using world = await openWorld();
  {
    await using doomed = await world.start({ point: "T5", when: "before", nth: 1 });
    world.chats.write(1);
    await crashed(doomed);
  }
  {
    await using nexo = await world.start();
    await nexo.nextLog("outbox.found_sent");
    world.chats.write(2);
    await world.chats.answered(AbortSignal.timeout(60_000));
    await nexo.idle();
  }
  world.chats.check(world.dataDir);
  assert.equal(world.telegram.sent.length, 2);
});

Deno.test("a crash in the middle of a model's stream asks the model again and answers once", async () => {
  await using world = await openWorld();
  await world.model.setRules([{
    act: "hold",
    pieces: 1,
    text: "a long answer of which the half is never seen by anybody",
  }]);
  let mark: string;
  {
    await using doomed = await world.start();
    mark = world.chats.write(1);
    await world.model.requests({ held: 1 });
    await kill(doomed);
  }
  await world.model.setRules([]);
  await recover(world);
  const asked = (await world.model.requests()).filter(({ userText }) => userText.includes(mark));
  assert.equal(asked.length, 2);
});

for (const effect of ["none", "idempotent", "once"] as const) {
  const fact = effect === "once" ? "does not run it again, and tells the model" : "runs it again under the same key";
  Deno.test(`a crash while a tool of effect ${effect} runs ${fact}`, async () => {
    await using world = await openWorld();
    {
      await using doomed = await world.start();
      const running = world.probe.holdNext();
      world.chats.write(1, `tool:probe_${effect} {}`);
      await running;
      await kill(doomed);
    }
    await recover(world);
    const keys = world.probe.runs.map(({ key }) => key);
    assert.equal(keys.length, effect === "once" ? 1 : 2);
    assert.equal(new Set(keys).size, 1);
    const requests = await world.model.requests();
    assert.equal(requests.length, 2, "the journaled answer is not asked again");
    assert.equal(/interrupted/i.test(world.telegram.sent[0]?.text ?? ""), effect === "once");
  });
}

Deno.test("a program that asks again with its key after a crash gets one answer to one turn", async () => {
  await using world = await openWorld();
  const question = { agent: "ana", user: "program", text: "how much is it?", key: "order-1" };
  await world.model.setRules([{ act: "hold", times: 1 }]);
  {
    await using doomed = await world.start();
    const lost = ask(doomed, question).then(() => "answered", () => "cut");
    await world.model.requests({ held: 1 });
    await kill(doomed);
    assert.equal(await lost, "cut");
  }
  await using nexo = await world.start();
  const answers = [await ask(nexo, question), await ask(nexo, question)];
  assert.deepEqual(answers.map(({ text }) => text), ["answer to: how much is it?", "answer to: how much is it?"]);
  const asked = (await world.model.requests()).filter(({ userText }) => userText.includes("how much"));
  assert.equal(asked.length, 2, "one call before the crash, one after it");
});
