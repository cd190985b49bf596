import { newMail, openMailServers } from "../../tests/email/mail_room.ts";
import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { openFakeWhatsApp } from "../../tests/fixtures/fake_whatsapp.ts";
import { percentile } from "../../tests/fixtures/load.ts";
import { newTestConfig } from "../../tests/fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../../tests/fixtures/nexo_process.ts";
import { linkFolder, toConfig } from "../../tests/whatsapp/room.ts";
import type { Figure } from "./figure.ts";
import { readProcessUse } from "./proc.ts";

const mails = 20;
const megabyte = 1_000_000;

/** Mail from the maildir to the SMTP server beside the model's own time, what the worker costs, and what a large mail does. */
export async function measureMail(model: FakeModel): Promise<readonly Figure[]> {
  await using servers = await openMailServers();
  const { imap, smtp } = servers;
  const account = { email: servers.config({ replies_per_hour: 1_000 }) };
  const withoutMb = await restingMb(newTestConfig({ modelUrl: model.baseUrl }));
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, ...account }) });
  await nexo.nextLog("plugin.ready");
  await rest();
  const costMb = (await readProcessUse(nexo.pid)).rssBytes / megabyte - withoutMb;
  await model.forget();
  const tookMs: number[] = [];
  for (let number = 1; number <= mails; number++) {
    const id = `${number}@people.test`;
    const beganAt = performance.now();
    imap.deliver(newMail({ id, text: `question ${number}` }));
    await smtp.nextSent(({ mail }) => mail.inReplyTo === `<${id}>`, AbortSignal.timeout(30_000));
    tookMs.push(performance.now() - beganAt);
  }
  const requests = await model.requests({ atLeast: mails });
  const addedMs = tookMs.map((ms, index) => ms - (requests[index]?.tookMs ?? 0));
  return [
    {
      part: "mail",
      name: "mail to answer p50",
      value: percentile(addedMs, 0.5),
      unit: "ms",
      target: { atMost: 2_000 },
    },
    { part: "mail", name: "mail to answer p99", value: percentile(addedMs, 0.99), unit: "ms" },
    { part: "mail", name: "memory of the account", value: costMb, unit: "MB", target: { atMost: 60 } },
    {
      part: "mail",
      name: "growth by a mail of 55 MB",
      value: await measureLargeMail(nexo, () => {
        imap.deliver(newMail({ id: "large@people.test", text: "large", file: new Uint8Array(40 * megabyte) }));
        return smtp.nextSent(({ mail }) => mail.inReplyTo === "<large@people.test>", AbortSignal.timeout(60_000));
      }),
      unit: "MB",
      target: { atMost: 60 },
    },
    {
      part: "mail",
      name: "growth by an attachment of 24 MB that is kept",
      value: await measureLargeMail(nexo, () => {
        imap.deliver(newMail({ id: "file@people.test", text: "file", file: new Uint8Array(24 * megabyte) }));
        return smtp.nextSent(({ mail }) => mail.inReplyTo === "<file@people.test>", AbortSignal.timeout(60_000));
      }),
      unit: "MB",
      target: { atMost: 60 },
    },
  ];
}

/** What a linked WhatsApp account costs beside others: its worker, its library, its connection. */
export async function measureWhatsApp(model: FakeModel): Promise<readonly Figure[]> {
  const oneMb = await restingAccountsMb(model, 1);
  const threeMb = await restingAccountsMb(model, 3);
  const costMb = (threeMb - oneMb) / 2;
  return [{
    part: "whatsapp",
    name: "memory of each further account",
    value: costMb,
    unit: "MB",
    target: { atMost: 60 },
  }];
}

/** Memory of a process with so many linked accounts. What they share is in every one of these figures. */
async function restingAccountsMb(model: FakeModel, count: number): Promise<number> {
  await using fake = openFakeWhatsApp();
  const accounts = Array.from({ length: count }, (_, index) => `account${index + 1}`);
  await using data = await openTempDir();
  for (const [index, instance] of accounts.entries()) {
    await linkFolder(fake, `${data.path}/plugins/whatsapp/${instance}`, `1555000000${index + 1}`);
  }
  const inbound_bindings = accounts.map((instance) => ({ plugin: "whatsapp", instance, open: true }));
  const config = {
    ...newTestConfig({ modelUrl: model.baseUrl, agent: { inbound_bindings } }),
    "plugins/whatsapp.yaml": { whatsapp: accounts.map((instance) => ({ instance, ...toConfig(fake) })) },
  };
  await using nexo = await startNexo({ config, dataDir: data.path });
  await fake.untilLogins(accounts.length, AbortSignal.timeout(30_000));
  await rest();
  return (await readProcessUse(nexo.pid)).rssBytes / megabyte;
}

async function restingMb(config: Parameters<typeof startNexo>[0]["config"]): Promise<number> {
  await using nexo = await startNexo({ config });
  await rest();
  return (await readProcessUse(nexo.pid)).rssBytes / megabyte;
}

/** By how much the memory rises above what it was, at most, while `work` goes on. */
async function measureLargeMail(nexo: NexoProcess, work: () => Promise<unknown>): Promise<number> {
  await rest();
  const beforeBytes = (await readProcessUse(nexo.pid)).rssBytes;
  let mostBytes = beforeBytes;
  let isDone = false;
  const done = work().finally(() => isDone = true);
  while (!isDone) {
    mostBytes = Math.max(mostBytes, (await readProcessUse(nexo.pid)).rssBytes);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await done;
  return (mostBytes - beforeBytes) / megabyte;
}

/** As a process that nobody talks to. */
function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 8_000));
}
