import assert from "node:assert/strict";
import { z } from "zod";
import { auditAnswerSchema } from "../../src/http/audit_api.ts";
import { statusSchema } from "../../src/http/status_api.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { type FakeWhatsApp, openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { account, alice, linkFolder, toConfig } from "../whatsapp/room.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const channelsSchema = z.object({
  channels: z.array(z.object({
    state: z.string(),
    reason: z.string().optional(),
    identity: z.string().optional(),
    pairing: z.object({ qr: z.string() }).optional(),
  })),
});

function newConfig(fake: FakeWhatsApp, modelUrl: string, instances: readonly string[] = ["main"]) {
  return {
    ...newTestConfig({
      modelUrl,
      agent: { inbound_bindings: instances.map((instance) => ({ plugin: "whatsapp", instance, open: true })) },
    }),
    "plugins/whatsapp.yaml": { whatsapp: instances.map((instance) => ({ instance, ...toConfig(fake) })) },
  };
}

async function readChannels(nexo: NexoProcess) {
  return channelsSchema.parse(await newBlackBox(nexo).get("/api/channels")).channels;
}

async function untilUp(nexo: NexoProcess): Promise<void> {
  await eventually(async () => (await readChannels(nexo)).every(({ state }) => state === "up"), "it is connected");
}

/** Everything is answered, and WhatsApp has taken every answer. */
async function untilSent(nexo: NexoProcess): Promise<void> {
  await eventually(async () => {
    const { queues } = statusSchema.parse(await newBlackBox(nexo).get("/api/status"));
    return queues.inbox.depth === 0 && queues.outbox.depth === 0;
  }, "it has sent all");
}

Deno.test("an account is linked by the QR code that the operator sees, and answers", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  await using nexo = await startNexo({ config: newConfig(fake, model.baseUrl) });
  const box = newBlackBox(nexo);
  let qr: string | undefined;
  await eventually(async () => (qr = (await readChannels(nexo))[0]?.pairing?.qr) !== undefined, "a QR code");
  const [channel] = await readChannels(nexo);
  assert.equal(channel?.state, "degraded");
  assert.match(channel?.reason ?? "", /^not paired: scan the QR code/);
  const image = await box.request("/api/channels/whatsapp/main/qr.svg");
  assert.equal(image.headers.get("content-type"), "image/svg+xml");
  assert.match(await image.text(), /^<svg/);
  const uninvited = await fetch(`${nexo.admin}/api/channels/whatsapp/main/qr.svg`);
  await uninvited.body?.cancel();
  assert.equal(uninvited.status, 401);
  const paired = runAgent(["pair", "whatsapp", "main", "--data", nexo.dataDir]);
  fake.scan(qr ?? "", account);
  await untilUp(nexo);
  const { code, stdout } = await paired;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /is linked: \+15550000001/);
  fake.inject({ from: alice, text: "hello", encrypted: true });
  const [answer] = await fake.untilSeen(1, AbortSignal.timeout(60_000));
  assert.equal(answer?.to, alice);
  await fake.drained(AbortSignal.timeout(60_000));
  const gone = await box.request("/api/channels/whatsapp/main/qr.svg");
  await gone.body?.cancel();
  assert.equal(gone.status, 404);
  const log = nexo.stderr().join("\n");
  assert.ok(!log.includes(qr ?? "-") && !log.includes("hello"));
});

Deno.test("an operator links an account in the console", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  await using nexo = await startNexo({ config: newConfig(fake, model.baseUrl) });
  await using browser = await openBrowser();
  const { page, faults } = await browser.newPage();
  await page.goto(nexo.admin);
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(Needs you)");
  await page.goto(new URL("#/channels", nexo.admin).href);
  await page.waitForSelector(".pairing img");
  await page.waitForFunction("document.querySelector('.pairing img').naturalWidth > 0");
  fake.scan((await readChannels(nexo))[0]?.pairing?.qr ?? "", account);
  await page.waitForSelector(`::-p-text(+${account})`);
  assert.equal(await page.$(".pairing"), null);
  assert.deepEqual(faults, []);
});

Deno.test("an account that WhatsApp has stopped is started again, or linked anew, while the process runs", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  await using data = await openTempDir();
  await linkFolder(fake, `${data.path}/plugins/whatsapp/main`);
  await using nexo = await startNexo({ config: newConfig(fake, model.baseUrl), dataDir: data.path });
  await untilUp(nexo);
  fake.endAll(440);
  await eventually(async () => (await readChannels(nexo))[0]?.state === "down", "it has stopped");
  assert.match((await readChannels(nexo))[0]?.reason ?? "", /agent pair whatsapp/);
  const again = await runAgent(["pair", "whatsapp", "main", "--data", nexo.dataDir]);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /is linked: \+15550000001/);
  const anew = runAgent(["pair", "whatsapp", "main", "--anew", "--data", nexo.dataDir]);
  let qr: string | undefined;
  await eventually(async () => (qr = (await readChannels(nexo))[0]?.pairing?.qr) !== undefined, "a QR code");
  fake.scan(qr ?? "", "15550000002");
  const { code, stdout } = await anew;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /is linked: \+15550000002/);
  const { items } = auditAnswerSchema.parse(await newBlackBox(nexo).get("/api/audit"));
  assert.deepEqual(items.map(({ actor, action, target }) => `${actor} ${action} ${target}`), [
    "cli channel.unlinked whatsapp.main",
    "cli channel.restarted whatsapp.main",
  ]);
});

Deno.test("a process that is killed while it answers stays linked and answers once", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  await using data = await openTempDir();
  const config = newConfig(fake, model.baseUrl);
  await linkFolder(fake, `${data.path}/plugins/whatsapp/main`);
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await untilUp(nexo);
    await model.setRules([{ act: "hold", times: 1 }]);
    fake.inject({ from: alice, text: "one", encrypted: true });
    await model.requests({ held: 1 });
    nexo.kill("SIGKILL");
    await nexo.stopped;
  }
  await model.release();
  fake.inject({ from: alice, text: "two", encrypted: true });
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await fake.untilSeen(2, AbortSignal.timeout(60_000));
    await fake.drained(AbortSignal.timeout(60_000));
    await untilSent(nexo);
  }
  assert.equal(fake.seen.length, 2);
  assert.equal(fake.copies, 0);
});

Deno.test("a process that is killed before it hears that its answer was taken sends the same message again", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  await using data = await openTempDir();
  const config = newConfig(fake, model.baseUrl);
  await linkFolder(fake, `${data.path}/plugins/whatsapp/main`);
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await untilUp(nexo);
    fake.refuseSend("taken_and_cut");
    fake.inject({ from: alice, text: "hello", encrypted: true });
    await fake.untilSeen(1, AbortSignal.timeout(60_000));
    nexo.kill("SIGKILL");
    await nexo.stopped;
  }
  await using nexo = await startNexo({ config, dataDir: data.path });
  await untilSent(nexo);
  assert.deepEqual([fake.seen.length, fake.copies], [1, 1]);
});

Deno.test("a worker for WhatsApp costs less than 60 MB", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  const measured: number[] = [];
  for (const instances of [[], ["one", "two"]]) {
    await using data = await openTempDir();
    for (const [index, instance] of instances.entries()) {
      await linkFolder(fake, `${data.path}/plugins/whatsapp/${instance}`, `1555000000${index + 1}`);
    }
    await using nexo = await startNexo({ config: newConfig(fake, model.baseUrl, instances), dataDir: data.path });
    await untilUp(nexo);
    const status = await Deno.readTextFile(`/proc/${nexo.pid}/status`);
    measured.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024);
  }
  const [without = 0, withTwo = 0] = measured;
  const oneMb = (withTwo - without) / 2 / 1_000_000;
  // deno-lint-ignore no-console -- a figure to follow
  console.log(`one worker costs ${oneMb.toFixed(1)} MB`);
  assert.ok(oneMb < 60, `one costs ${oneMb.toFixed(1)} MB`);
});
