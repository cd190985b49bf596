import assert from "node:assert/strict";
import { sessionsAnswerSchema } from "../../src/http/sessions_api.ts";
import { newMail, openMailServers } from "../email/mail_room.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { openMailWorld } from "./mail_world.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("mails that come in are answered in their threads", async () => {
  await using world = await openMailWorld();
  const { servers, mails, dataDir } = world;
  {
    await using nexo = await world.start();
    await nexo.nextLog("plugin.ready");
    for (let round = 0; round < 4; round++) {
      mails.write(1);
      await mails.answered(soon());
    }
    // The other auto-responder, and the person's own mail program, are told what this is.
    assert.equal(servers.smtp.sent[0]?.header("auto-submitted"), "auto-replied");
    await servers.imap.until(() => servers.imap.mails("Sent").length === 4, soon());
  }
  mails.check(dataDir);
});

Deno.test("an answer that the server does not take now is sent once, when it does", async () => {
  await using world = await openMailWorld();
  world.servers.smtp.refuse({ at: "data", code: 451, words: "4.3.2 later, please", times: 2 });
  {
    await using nexo = await world.start();
    world.mails.write(1);
    await nexo.nextLog("outbox.retry");
    await world.mails.answered(soon());
  }
  world.mails.check(world.dataDir);
  assert.equal(world.servers.smtp.sent.length, 1);
});

Deno.test("an answer that the server never takes is a dead letter with the server's words", async () => {
  await using world = await openMailWorld();
  world.servers.smtp.refuse({ at: "recipient", code: 550, words: "5.7.1 we do not talk to robots" });
  await using nexo = await world.start();
  world.mails.write(1);
  const dead = await nexo.nextLog("outbox.dead");
  assert.match(String(dead["error"]), /5\.7\.1 we do not talk to robots/);
});

Deno.test("an inbox that was made anew makes nobody answer what is old", async () => {
  await using world = await openMailWorld();
  const { imap, smtp } = world.servers;
  for (let index = 0; index < 3; index++) imap.deliver(newMail({ id: `old${index}@people.test`, text: "old" }));
  {
    await using nexo = await world.start({ email: { backfill: 0 } });
    await nexo.nextLog("plugin.ready");
    world.mails.write(1);
    await world.mails.answered(soon());
    await imap.renumber();
    world.mails.write(2);
    await world.mails.answered(soon());
    await nexo.nextLog("email.renumbered");
  }
  world.mails.check(world.dataDir);
  assert.equal(smtp.sent.length, 2);
});

Deno.test("a send whose answer was lost is found in the Sent folder where the server keeps copies", async () => {
  await using world = await openMailWorld();
  const { imap, smtp } = world.servers;
  // As Gmail does: a mail lies in Sent as soon as the server took it.
  smtp.onMail(({ raw }) => imap.store("Sent", raw));
  smtp.loseNextAnswer();
  {
    await using nexo = await world.start({ email: { sent_folder: "none" } });
    world.mails.write(1);
    await nexo.nextLog("outbox.found_sent");
    world.mails.write(1);
    await world.mails.answered(soon());
  }
  world.mails.check(world.dataDir);
  assert.equal(smtp.sent.length, 2);
});

Deno.test("an account costs less than 60 MB of memory", async (test) => {
  await using world = await openMailWorld();
  const restingMb = async (email: boolean) => {
    await using data = await openTempDir();
    const account = email ? { email: world.servers.config() } : {};
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: world.model.baseUrl, ...account }),
      dataDir: data.path,
    });
    if (email) await nexo.nextLog("plugin.ready");
    const status = await Deno.readTextFile(`/proc/${nexo.pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_000;
  };
  const costMb = Math.round(await restingMb(true) - await restingMb(false));
  await test.step(`it costs ${costMb} MB`, () => assert.ok(costMb < 60));
});

Deno.test("a person who writes the same to two accounts has two sessions", async () => {
  await using world = await openMailWorld();
  await using others = await openMailServers();
  const accounts = [
    { instance: "main", ...world.servers.config({ backfill: 1 }) },
    { instance: "two", ...others.config({ backfill: 1, address: "two@agents.test" }) },
  ];
  const inbound_bindings = accounts.map(({ instance }) => ({ plugin: "email", instance, open: true }));
  for (const { imap } of [world.servers, others]) imap.deliver(newMail({ id: "1@people.test", text: "to both" }));
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: world.model.baseUrl, agent: { inbound_bindings } }),
      "plugins/email.yaml": { email: accounts },
    },
    dataDir: world.dataDir,
  });
  for (const { smtp } of [world.servers, others]) await smtp.nextSent(() => true, soon());
  const { items } = sessionsAnswerSchema.parse(await newBlackBox(nexo).get("/api/sessions"));
  assert.deepEqual(items.map(({ instance }) => instance).toSorted(), ["main", "two"]);
});
