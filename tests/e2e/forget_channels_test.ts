import assert from "node:assert/strict";
import { newMail, openMailServers } from "../email/mail_room.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { alice, linkFolder, toConfig } from "../whatsapp/room.ts";

const soon = () => AbortSignal.timeout(30_000);
/** What the person who is forgotten writes, and what somebody else does. */
const marker = "zqmarkeralpha";
const kept = "zqkeptbravo";
const bob = "4915100000002";

/** Files below `folder` whose bytes hold `text`. */
async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await filesWith(path, text));
    else if (new TextDecoder("latin1").decode(await Deno.readFile(path)).includes(text)) found.push(path);
  }
  return found;
}

async function forget(person: string, dataDir: string): Promise<void> {
  const { code, stderr } = await runAgent(["forget-person", person, "--yes", "--data", dataDir]);
  assert.equal(code, 0, stderr);
}

Deno.test("of a person who wrote mails nothing stays in the data folder, also not what the account keeps", async () => {
  await using model = openFakeModel();
  await using servers = await openMailServers();
  await using data = await openTempDir();
  const [eva, ben] = ["eva@people.test", "ben@people.test"];
  {
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, email: servers.config({ backfill: 1_000 }) }),
      dataDir: data.path,
    });
    const write = async (from: string, id: string, text: string, parents: readonly string[] = []) => {
      const file = new TextEncoder().encode(`%PDF ${text}`);
      servers.imap.deliver(
        newMail({ from: `Eva ${text} <${from}>`, id, subject: text, text, references: parents, file }),
      );
      await servers.smtp.nextSent(({ mail }) => mail.inReplyTo === `<${id}>`, soon());
    };
    await write(eva, "1@mx.test", marker);
    await write(ben, "2@mx.test", kept);
    await write(eva, "3@mx.test", `more ${marker}`, ["1@mx.test"]);
    await nexo.idle();
    assert.notDeepEqual(await filesWith(`${data.path}/plugins`, marker), [], "the account keeps something to forget");
    await forget(`email:${eva}`, data.path);
    assert.deepEqual([await filesWith(data.path, marker), await filesWith(data.path, eva)], [[], []]);
    // Its mails still lie in the inbox, and are not answered again; a new one is.
    await servers.imap.renumber();
    await write(eva, "4@mx.test", "hello again", ["1@mx.test"]);
    assert.equal(servers.smtp.sent.filter(({ to }) => to === eva).length, 3);
    assert.notDeepEqual(await filesWith(data.path, kept), []);
  }
});

Deno.test("of a person who wrote on WhatsApp nothing stays in the data folder, also not what the account keeps", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  await using data = await openTempDir();
  const folder = `${data.path}/plugins/whatsapp/main`;
  await linkFolder(fake, folder);
  {
    await using nexo = await startNexo({
      config: {
        ...newTestConfig({
          modelUrl: model.baseUrl,
          agent: { inbound_bindings: [{ plugin: "whatsapp", instance: "main", open: true }] },
        }),
        "plugins/whatsapp.yaml": { whatsapp: [{ instance: "main", ...toConfig(fake) }] },
      },
      dataDir: data.path,
    });
    await nexo.nextLog("whatsapp.connected");
    fake.inject({ from: alice, text: marker, encrypted: true });
    await fake.untilSeen(1, soon());
    fake.inject({ from: bob, text: kept, encrypted: true });
    await fake.untilSeen(2, soon());
    fake.inject({ from: alice, text: `more ${marker}`, encrypted: true, byLid: true });
    await fake.untilSeen(3, soon());
    await fake.drained(soon());
    await nexo.idle();
    assert.notDeepEqual(await filesWith(folder, marker), [], "the account keeps something to forget");
    await forget(`whatsapp:${alice}@s.whatsapp.net`, data.path);
    assert.deepEqual([await filesWith(data.path, marker), await filesWith(data.path, alice)], [[], []]);
    for (const text of [kept, bob]) assert.notDeepEqual(await filesWith(folder, text), []);
    fake.inject({ from: alice, text: "hello again", encrypted: true });
    const seen = await fake.untilSeen(4, soon());
    assert.equal(seen.at(-1)?.to, alice);
  }
});
