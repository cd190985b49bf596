import assert from "node:assert/strict";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { calls } from "../../src/core/topics.ts";
import { email } from "../../plugins/email/plugin.ts";
import { openTestHost } from "../plugins/host_room.ts";
import { openAccount } from "./account_room.ts";
import { newMail, openMailServers, ownAddress } from "./mail_room.ts";

Deno.test("a message to an address is a new mail, and the answer to it comes into the same conversation", async () => {
  await using account = await openAccount({ name: "Ana" });
  const { imap, smtp } = account.servers;
  await account.room.send("main", "# Backup\n\nIt **failed**.", { conversation: "bob@people.test" });
  const [sent] = smtp.sent;
  assert.deepEqual([sent?.to, sent?.mail.subject], ["bob@people.test", "Backup"]);
  assert.deepEqual(sent?.mail.from, { name: "Ana", address: ownAddress });
  assert.equal(sent?.header("auto-submitted"), "auto-generated");
  imap.deliver(newMail({ references: [sent?.mail.messageId?.slice(1, -1) ?? ""], text: "thanks" }));
  assert.equal((await account.nextMessage("thanks")).conversation, "bob@people.test");
});

Deno.test("an answer names the mails before it, and its copy lies in the Sent folder once", async () => {
  await using account = await openAccount();
  const { imap, smtp } = account.servers;
  imap.deliver(
    newMail({ id: "3@p.test", subject: "RE: AW: späť", references: ["1@p.test", "2@p.test"], text: "question" }),
  );
  const { conversation } = await account.nextMessage("question");
  const inReplyTo = ["3@p.test"];
  const receipt = await account.room.send("main", "Grüße 👋\n.\nend", { conversation, inReplyTo });
  const [sent] = smtp.sent;
  assert.equal(sent?.mail.references, "<1@p.test> <2@p.test> <3@p.test>");
  assert.equal(sent?.mail.inReplyTo, "<3@p.test>");
  assert.equal(sent?.mail.subject, "Re: späť");
  assert.equal(sent?.mail.text?.trim(), "Grüße 👋\n.\nend");
  await imap.until(() => imap.mails("Sent").length === 1, account.room.signal);
  const [copy] = imap.mails("Sent");
  assert.ok((await Deno.readTextFile(copy?.path ?? "")).includes(receipt.providerMessageIds[0] ?? "no id"));
  assert.equal(copy?.flags, "S");
});

Deno.test("an answer goes to the author, whatever the mail says that it should", async () => {
  await using account = await openAccount();
  const { imap, smtp } = account.servers;
  imap.deliver(newMail({ id: "1@p.test", headers: ["Reply-To: eve@evil.test"], text: "divert" }));
  const { conversation } = await account.nextMessage("divert");
  await account.room.send("main", "answer", { conversation, inReplyTo: ["1@p.test"] });
  assert.equal(smtp.sent[0]?.to, "bob@people.test");
});

Deno.test("a send whose answer was lost has an unknown outcome, and the Sent folder tells it", async () => {
  await using account = await openAccount({ sent_folder: "none" });
  const { imap, smtp } = account.servers;
  const find = async () =>
    (await account.room.bus.request(calls.find("email", "main"), { key: "k" }, account.room)).receipt;
  smtp.loseNextAnswer();
  const lost = account.room.send("main", "answer", { conversation: "bob@people.test", key: "k" });
  assert.equal((await rejectsWith("unavailable", lost)).reason, "outcome_unknown");
  assert.equal(await find(), undefined);
  imap.store("Sent", smtp.sent[0]?.raw ?? "");
  const id = smtp.sent[0]?.mail.messageId?.slice(1, -1) ?? "";
  assert.deepEqual(await find(), { providerMessageIds: [id] });
  const again = await account.room.send("main", "answer", { conversation: "bob@people.test", key: "k" });
  assert.deepEqual(again, { providerMessageIds: [id] }, "the same key is the same mail");
});

Deno.test("the wait after a send that failed for now doubles", async () => {
  await using account = await openAccount();
  account.servers.smtp.refuse({ at: "data", code: 451, words: "4.3.2 later", times: 3 });
  const waits: (number | undefined)[] = [];
  for (let tries = 0; tries < 3; tries++) {
    const sending = account.room.send("main", "answer", { conversation: "bob@people.test", key: "k" });
    waits.push((await rejectsWith("unavailable", sending)).retryAfterMs);
  }
  assert.deepEqual(waits, [60_000, 120_000, 240_000]);
});

Deno.test("a conversation that is no address is missing, also one with a line break", async () => {
  await using account = await openAccount();
  for (const conversation of ["7", "bob@people.test\r\nBcc: eve@evil.test", "a@b.test, c@d.test", "<a@b.test>"]) {
    await rejectsWith("missing", account.room.send("main", "answer", { conversation }));
  }
  assert.equal(account.servers.smtp.sent.length, 0);
});

Deno.test("an attachment of a mail that is gone is missing", async () => {
  await using account = await openAccount();
  const { imap } = account.servers;
  imap.deliver(newMail({ text: "look", file: new Uint8Array(10) }));
  const ref = (await account.nextMessage("look")).attachments[0]?.ref ?? "";
  await imap.renumber();
  const fetching = account.room.bus.request(calls.fetch("email", "main"), { ref, maxBytes: 1_000 }, account.room);
  await rejectsWith("missing", fetching);
});

Deno.test("what could not be copied to Sent while the server was away is copied when it is back", async () => {
  await using account = await openAccount();
  const { imap } = account.servers;
  await imap.kill();
  await account.room.send("main", "answer", { conversation: "bob@people.test" });
  await account.nextLog("email.copy_failed");
  await imap.start();
  await imap.until(() => imap.mails("Sent").length === 1, account.room.signal);
});

Deno.test("servers are reached with TLS from the start and with STARTTLS", async () => {
  await using servers = await openMailServers({ secure: true });
  const { imap, smtp } = servers;
  await using room = await openTestHost(email);
  const imapServer = { host: "localhost", port: imap.starttlsPort, user: imap.user, secure: false };
  const config = email.config.parse(servers.config({ imap: imapServer }));
  await room.host.apply([{ plugin: "email", instance: "main", config }]);
  await room.logged("main", "plugin.ready");
  assert.deepEqual(room.host.status().map(({ state }) => state), ["ok"]);
  await room.send("main", "answer", { conversation: "bob@people.test" });
  assert.equal(smtp.sent.length, 1);
});

Deno.test("a login that SMTP refuses is told with its remedy, and what waits is not lost", async () => {
  await using account = await openAccount({}, () => {}, { accepts: () => false });
  const error = await rejectsWith("unavailable", account.room.send("main", "x", { conversation: "bob@people.test" }));
  assert.equal(error.reason, "login_refused");
  assert.match(error.message, /refuses the login of ana: 535 5\.7\.8 wrong password\. Set its password/);
  assert.ok((error.retryAfterMs ?? 0) >= 60_000);
});

Deno.test("an access token is what SMTP is shown where the account has OAuth2", async () => {
  const tokens = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ access_token: "token-1" }),
  );
  const token_url = `http://127.0.0.1:${tokens.addr.port}/`;
  const oauth2 = { client_id: "us", refresh_token: "r", token_url };
  await using account = await openAccount({ oauth2, password: undefined });
  await account.room.send("main", "answer", { conversation: "bob@people.test" });
  assert.deepEqual(account.servers.smtp.logins, ["token-1"]);
  await account.apply();
  await tokens.shutdown();
});
