import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { calls } from "../../src/core/topics.ts";
import { received } from "../channel_contract.ts";
import { groupMember } from "../fixtures/fake_whatsapp.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { account, alice, linkFolder, openWhatsAppRoom, toQr, type WhatsAppRoom } from "./room.ts";

const conversation = `${alice}@s.whatsapp.net`;
const group = "120363000000000001";

function stateDir({ room }: WhatsAppRoom, instance = "main"): string {
  return `${room.dataDir}/plugins/whatsapp/${instance}`;
}

/** An account that is linked and connected. */
async function openLinked(config: object = {}): Promise<WhatsAppRoom> {
  const setup = await openWhatsAppRoom(config);
  await linkFolder(setup.fake, stateDir(setup));
  await setup.apply("main");
  await setup.untilUp();
  return setup;
}

function texts({ room }: WhatsAppRoom): string[] {
  return received(room.bus.published).map(({ text }) => text);
}

Deno.test("whatsapp shows a QR code, links, receives, answers, and is still linked after a restart", async () => {
  await using setup = await openWhatsAppRoom();
  const { fake, room } = setup;
  await setup.apply("main");
  await setup.pair();
  assert.equal(setup.view()?.identity, `+${account}`);
  assert.equal(setup.view()?.pairing, undefined);
  fake.inject({ from: alice, text: "hello", encrypted: true });
  await fake.drained(room.signal);
  const [message] = received(room.bus.published);
  assert.equal(message?.conversation, conversation);
  assert.equal(message?.text, "hello");
  assert.deepEqual(message?.sender, {
    id: conversation,
    name: `Person ${alice}`,
    handle: alice,
    aliases: [`9${alice}@lid`],
  });
  const { providerMessageIds } = await room.send("main", "hi there", { conversation });
  assert.deepEqual(fake.seen, [{ account, to: alice, id: providerMessageIds[0], text: "hi there" }]);
  await setup.apply();
  fake.inject({ from: alice, text: "while you were away", encrypted: true });
  await setup.apply("main");
  await setup.untilUp();
  await fake.drained(room.signal);
  assert.deepEqual(texts(setup), ["hello", "while you were away"]);
  await room.send("main", "back again", { conversation });
  assert.deepEqual(fake.seen.map(({ text }) => text), ["hi there", "back again"]);
});

Deno.test("whatsapp keeps its credentials in a file that only its owner reads", async () => {
  await using setup = await openLinked();
  for (const name of ["auth.db", "auth.db-wal"]) {
    const { mode } = await Deno.stat(`${stateDir(setup)}/${name}`);
    assert.equal((mode ?? 0) & 0o777, 0o600, name);
  }
});

Deno.test("whatsapp starts without waiting for an account that is not linked", async () => {
  await using setup = await openWhatsAppRoom({ url: "ws://127.0.0.1:9/ws/chat" });
  await setup.apply("main");
  await setup.room.logged("main", "plugin.ready");
  await setup.until(({ state, reason }) =>
    state === "degraded" && reason?.startsWith("not paired.") ? true : undefined
  );
  const error = await rejectsWith("unavailable", setup.room.send("main", "hello", { conversation }));
  assert.ok((error.retryAfterMs ?? 0) > 0);
});

Deno.test("whatsapp links by a code that is typed on the phone", async () => {
  await using setup = await openWhatsAppRoom({ pairing_phone: account });
  await setup.apply("main");
  const { pairing, reason } = await setup.until((view) => view.pairing && view);
  const code = pairing !== undefined && "code" in pairing ? pairing.code : "";
  assert.match(code, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
  assert.match(reason ?? "", /not paired: type the code on the phone \+15550000001/);
  assert.deepEqual(setup.fake.codeRequests, [account]);
  await setup.fake.typeCode(code, account);
  await setup.untilUp();
  assert.equal(setup.view()?.identity, `+${account}`);
});

Deno.test("whatsapp forgets an account whose phone has removed it, and asks for a new pairing", async () => {
  await using setup = await openLinked();
  const { fake } = setup;
  fake.unlink(account);
  const { state, reason } = await setup.until((view) => toQr(view) === undefined ? undefined : view);
  assert.equal(state, "degraded");
  assert.match(reason ?? "", /^not paired/);
  assert.equal(fake.logins, 1);
  await setup.pair();
  fake.inject({ from: alice, text: "hello", encrypted: true });
  await fake.drained(setup.room.signal);
  assert.deepEqual(texts(setup), ["hello"]);
});

for (const code of [403, 440]) {
  Deno.test(`whatsapp stops when WhatsApp says ${code}`, async () => {
    await using setup = await openLinked();
    setup.fake.endAll(code);
    const reason = await setup.until((view) => view.state === "down" ? view.reason : undefined);
    assert.match(reason, new RegExp(String(code)));
    assert.equal(setup.fake.logins, 1);
    await rejectsWith("unavailable", setup.room.send("main", "hello", { conversation }));
  });
}

Deno.test("an account that has stopped is started again, with its link or without it", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  fake.endAll(440);
  await setup.until(({ state }) => state === "down" ? true : undefined);
  await room.host.reopen({ plugin: "whatsapp", instance: "main" }, false);
  await setup.untilUp();
  assert.equal(fake.logins, 2);
  await room.host.reopen({ plugin: "whatsapp", instance: "main" }, true);
  await setup.pair();
  fake.inject({ from: alice, text: "hello", encrypted: true });
  await fake.drained(room.signal);
  assert.deepEqual(texts(setup), ["hello"]);
});

Deno.test("whatsapp connects again by itself, and misses nothing", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  fake.endAll();
  await setup.until(({ state }) => state === "degraded" ? true : undefined);
  fake.inject({ from: alice, text: "meanwhile", encrypted: true });
  await fake.untilLogins(2, room.signal);
  await fake.drained(room.signal);
  assert.deepEqual(texts(setup), ["meanwhile"]);
});

Deno.test("whatsapp reads a message again that was decrypted but not taken", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  const resume = room.bus.pause();
  fake.inject({ from: alice, text: "first", encrypted: true });
  await room.bus.untilWaiting(1, room.signal);
  await setup.apply();
  assert.equal(fake.pending, 1);
  resume();
  await setup.apply("main");
  await fake.drained(room.signal);
  fake.inject({ from: alice, text: "second", encrypted: true });
  await fake.drained(room.signal);
  assert.deepEqual(texts(setup), ["first", "second"]);
});

Deno.test("whatsapp asks again for a message that it cannot decrypt, and for one whose session is gone", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  fake.inject({ from: alice, text: "damaged", encrypted: true, damaged: true });
  await room.bus.nextEvent(() => texts(setup).length === 1, room.signal);
  fake.inject({ from: alice, text: "whole", encrypted: true });
  await room.bus.nextEvent(() => texts(setup).length === 2, room.signal);
  {
    using database = new DatabaseSync(`${stateDir(setup)}/auth.db`);
    database.exec("DELETE FROM entries WHERE type = 'session'");
  }
  fake.inject({ from: alice, text: "without a session", encrypted: true });
  await room.bus.nextEvent(() => texts(setup).length === 3, room.signal);
  assert.deepEqual(texts(setup), ["damaged", "whole", "without a session"]);
});

Deno.test("whatsapp keeps no text of a message that the runtime has", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  for (const text of ["one", "two"]) fake.inject({ from: alice, text, encrypted: true });
  await fake.drained(room.signal);
  await setup.apply();
  using database = new DatabaseSync(`${stateDir(setup)}/auth.db`, { readOnly: true });
  const { rows } = database.prepare("SELECT count(*) AS rows FROM entries WHERE type = 'decrypted'").get() ?? {};
  assert.equal(rows, 0);
});

Deno.test("whatsapp sends under the same id what WhatsApp may have taken, so that people see it once", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  const rest = { conversation, key: "one message" };
  fake.refuseSend("taken_and_cut");
  const { reason } = await rejectsWith("unavailable", room.send("main", "hello", rest));
  assert.equal(reason, "outcome_unknown");
  await fake.untilLogins(2, room.signal);
  await setup.untilUp();
  const { providerMessageIds } = await room.send("main", "hello", rest);
  assert.deepEqual(fake.seen.map(({ id }) => id), providerMessageIds);
  assert.equal(fake.copies, 1);
  await room.send("main", "hello", rest);
  assert.equal(fake.copies, 1);
});

Deno.test("whatsapp has one conversation with somebody, by phone number and by hidden number", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  fake.inject({ from: alice, text: "by hidden number", byLid: true, encrypted: true });
  await fake.drained(room.signal);
  fake.inject({ from: alice, text: "by phone number" });
  await fake.drained(room.signal);
  const messages = received(room.bus.published);
  assert.deepEqual(messages.map((message) => message.conversation), [conversation, conversation]);
  assert.deepEqual(messages.map(({ sender }) => sender.id), [conversation, conversation]);
});

Deno.test("whatsapp answers in a group with the message that it answers", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  const mentioned = { text: "@bot hello", contextInfo: { mentionedJid: [`9${account}@lid`] } };
  const ids = [
    fake.inject({ from: groupMember, group, text: "among us" }),
    fake.inject({ from: groupMember, group, content: { extendedTextMessage: mentioned } }),
  ];
  await fake.drained(room.signal);
  const messages = received(room.bus.published);
  assert.deepEqual(messages.map(({ isGroup, mentionsMe }) => [isGroup, mentionsMe]), [[true, false], [true, true]]);
  assert.equal(messages[1]?.sender.id, `${groupMember}@s.whatsapp.net`);
  const inReplyTo = messages.map(({ providerMessageId }) => providerMessageId);
  await room.send("main", "hello all", { conversation: `${group}@g.us`, inReplyTo });
  await room.send("main", "and more", { conversation: `${group}@g.us` });
  assert.deepEqual(fake.seen.map(({ to, text, quotes }) => [to, text, quotes]), [
    [group, "hello all", ids[1]],
    [group, "and more", undefined],
  ]);
});

Deno.test("two accounts have the same contact and keep apart", async () => {
  await using setup = await openWhatsAppRoom();
  const { fake, room } = setup;
  const other = "15550000002";
  await linkFolder(fake, stateDir(setup, "one"));
  await linkFolder(fake, stateDir(setup, "two"), other);
  await setup.apply("one", "two");
  await Promise.all([setup.untilUp("one"), setup.untilUp("two")]);
  fake.inject({ from: alice, to: account, text: "to one" });
  fake.inject({ from: alice, to: other, text: "to two" });
  await fake.drained(room.signal);
  assert.deepEqual(room.bus.published.map(({ subject }) => subject).sort(), [
    "plugin.inbound.whatsapp.one",
    "plugin.inbound.whatsapp.two",
  ]);
  await room.send("two", "from two", { conversation });
  assert.deepEqual(fake.seen.map((message) => [message.account, message.text]), [[other, "from two"]]);
});

Deno.test("whatsapp marks as read what the runtime has, where it is told to", async () => {
  await using setup = await openLinked({ read_receipts: true });
  const { fake, room } = setup;
  const id = fake.inject({ from: alice, text: "hello" });
  await fake.untilRead(id, room.signal);
  assert.deepEqual(texts(setup), ["hello"]);
});

Deno.test("whatsapp lets messages to one chat wait rather than send too many", async () => {
  await using setup = await openLinked({ rate_limit: { per_second: 100, chat_per_second: 5, burst: 1 } });
  const startedAt = performance.now();
  for (const text of ["one", "two", "three"]) await setup.room.send("main", text, { conversation });
  assert.ok(performance.now() - startedAt >= 390);
  assert.equal(setup.fake.seen.length, 3);
});

Deno.test("whatsapp refuses a file that is not the one that was sent", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  const { fileSha256: _, ...file } = fake.addFile(new TextEncoder().encode("good"), "text/plain");
  fake.inject({ from: alice, content: { documentMessage: { ...file, fileSha256: new Uint8Array(32) } } });
  await fake.drained(room.signal);
  const ref = received(room.bus.published)[0]?.attachments[0]?.ref ?? "";
  const fetching = room.bus.request(calls.fetch("whatsapp", "main"), { ref, maxBytes: 1_000 }, room);
  assert.equal((await rejectsWith("invalid", fetching)).reason, "forged");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${stateDir(setup)}/media`)), []);
});

Deno.test("whatsapp logs neither texts nor numbers of people nor keys", async () => {
  await using setup = await openLinked();
  const { fake, room } = setup;
  fake.inject({ from: alice, text: "a secret text", encrypted: true });
  await fake.drained(room.signal);
  await room.send("main", "a secret answer", { conversation });
  fake.endAll();
  await setup.until(({ state }) => state === "degraded" ? true : undefined);
  const log = JSON.stringify(room.log.entries);
  for (const secret of ["secret", alice, "Buffer", "private"]) assert.ok(!log.includes(secret), secret);
});
