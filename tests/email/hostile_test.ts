import assert from "node:assert/strict";
import { openAccount } from "./account_room.ts";
import { newMail, ownAddress } from "./mail_room.ts";

/** A multipart mail in which each part but the innermost holds one other part. */
function nest(depth: number): string {
  const open = Array.from({ length: depth }, (_, level) => [
    `Content-Type: multipart/mixed; boundary="b${level}"`,
    "",
    `--b${level}`,
  ]).flat();
  const close = Array.from({ length: depth }, (_, level) => `--b${depth - 1 - level}--`);
  return [
    "From: bob@people.test",
    "Message-ID: <nested@people.test>",
    "MIME-Version: 1.0",
    ...open,
    "Content-Type: text/plain",
    "",
    "innermost",
    ...close,
    "",
  ].join("\r\n");
}

const head = "From: bob@people.test\r\nMIME-Version: 1.0\r\n";

Deno.test("broken, nested, wrongly encoded and empty mails do not stop the mailbox", async () => {
  await using account = await openAccount();
  const { imap } = account.servers;
  imap.deliver(nest(200));
  imap.deliver(nest(300).replace("nested@", "deeper@"));
  imap.deliver(`${head}Content-Type: multipart/mixed; boundary="never"\r\n\r\n--other\r\nlost boundary`);
  imap.deliver(`${head}Content-Type: text/plain; charset=klingon-8\r\n\r\nodd charset`);
  imap.deliver(
    `${head}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!not base64`,
  );
  imap.deliver(new Uint8Array([...new TextEncoder().encode(`${head}\r\nlatin `), 0xe9, 0xff, 0x00, 0xfe]));
  imap.deliver("\r\n\r\n");
  imap.deliver(`${head}Subject: ${"x".repeat(200_000)}\r\n\r\nlong subject`);
  imap.deliver(`${head}References: ${"<a@b> ".repeat(20_000)}\r\n\r\nlong references`);
  imap.deliver(
    `${head}Content-Type: text/html\r\n\r\n${"<div>".repeat(50_000)}deep html<!-- ${"<script>".repeat(50_000)}`,
  );
  imap.deliver(newMail({ text: "the end" }));
  await account.nextMessage("the end");
  const texts = account.messages().map(({ text }) => text);
  for (
    const part of ["innermost", "lost boundary", "odd charset", "latin", "long subject", "long references", "deep html"]
  ) {
    assert.ok(texts.some((text) => text.includes(part)), part);
  }
  assert.ok(texts.every((text) => text.isWellFormed()));
  assert.deepEqual(account.reasons("email.quarantined"), ["not_a_mail"]);
});

Deno.test("a subject, name or id that would begin another header begins none", async () => {
  await using account = await openAccount();
  const { imap, smtp } = account.servers;
  imap.deliver(newMail({
    from: "=?utf-8?q?Bob=0D=0ABcc=3A_evil=40x.test?= <bob@people.test>",
    id: "1@people.test",
    subject: "=?utf-8?q?hi=0D=0ABcc:_evil@x.test=0D=0A=0D=0Abody?=",
    references: ["a\u0001b@people.test"],
    text: "inject",
  }));
  const { conversation, providerMessageId } = await account.nextMessage("inject");
  await account.room.send("main", "answer", { conversation, inReplyTo: [providerMessageId] });
  const [sent] = smtp.sent;
  assert.equal(sent?.mail.subject, "Re: hi Bcc: evil@x.test body");
  assert.equal(sent?.mail.bcc, undefined);
  assert.equal(sent?.to, "bob@people.test");
  assert.equal(sent?.mail.text?.trim(), "answer");
});

Deno.test("a mail of 60 MB costs little memory, and one above the bound is set aside with a flag", async (test) => {
  const bytes = 60_000_000;
  const text = newMail({ text: "here it is", file: new Uint8Array(10) });
  const mail = new TextEncoder().encode(text.replace("AAAAAAAAAAAAAA==", "A".repeat(76) + "\r\n"));
  const line = mail.slice(mail.lastIndexOf(65) - 75, mail.lastIndexOf(65) + 3);
  const large = new Uint8Array(bytes);
  large.set(mail.subarray(0, mail.lastIndexOf(65) + 3));
  for (let at = mail.lastIndexOf(65) + 3; at + line.length < bytes - 100; at += line.length) large.set(line, at);
  await using account = await openAccount({ max_mail_bytes: 61_000_000 });
  const { imap } = account.servers;
  const before = Deno.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => most = Math.max(most, Deno.memoryUsage().rss), 10);
  imap.deliver(large);
  const message = await account.nextMessage("here it is");
  clearInterval(timer);
  const grownMb = Math.round((most - before) / 1_000_000);
  await test.step(`it cost ${grownMb} MB`, () => assert.ok(grownMb < 60));
  assert.deepEqual(message.attachments.map(({ name, mimeType }) => [name, mimeType]), [[
    "file.pdf",
    "application/pdf",
  ]]);
  await account.apply({ max_mail_bytes: 50_000_000 });
  imap.deliver(large);
  imap.deliver(newMail({ text: "after it" }));
  await account.nextMessage("after it");
  assert.deepEqual(account.reasons("email.quarantined"), ["too_large"]);
});

/** A report of a mail server about the mail `id`: RFC 3464. */
function newReport(id: string, action = "failed"): string {
  return [
    "From: MAILER-DAEMON@people.test",
    `To: ${ownAddress}`,
    "Return-Path: <>",
    "Auto-Submitted: auto-replied",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="r"',
    "MIME-Version: 1.0",
    "",
    "--r",
    "Content-Type: text/plain",
    "",
    "Sorry.",
    "--r",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; people.test",
    "",
    "Final-Recipient: rfc822; bob@people.test",
    `Action: ${action}`,
    "Status: 5.1.1",
    "Diagnostic-Code: smtp; 550 no such user here",
    "--r",
    "Content-Type: text/rfc822-headers",
    "",
    `Message-ID: <${id}>`,
    "--r--",
    "",
  ].join("\r\n");
}

Deno.test("a mail that comes back is reported once to its session, and nobody answers the report", async () => {
  await using account = await openAccount();
  const { imap, smtp } = account.servers;
  imap.deliver(newMail({ id: "1@people.test", subject: "the matter", text: "first" }));
  const { conversation } = await account.nextMessage("first");
  const { providerMessageIds: [id = ""] } = await account.room.send("main", "answer", {
    conversation,
    inReplyTo: ["1@people.test"],
  });
  imap.deliver(newReport(id, "delayed"));
  for (let index = 0; index < 50; index++) imap.deliver(newReport(id) + `\r\n${index}`);
  for (let index = 0; index < 50; index++) imap.deliver(newReport(`${index}@elsewhere.test`));
  imap.deliver(newMail({ text: "the end" }));
  await account.nextMessage("the end");
  const report = account.messages().at(1);
  assert.equal(account.messages().length, 3);
  assert.equal(report?.conversation, conversation);
  assert.match(report?.text ?? "", /"Re: the matter" to bob@people\.test.*5\.1\.1 550 no such user here/);
  const inReplyTo = [report?.providerMessageId ?? ""];
  assert.deepEqual((await account.room.send("main", "oh", { conversation, inReplyTo })).providerMessageIds, []);
  assert.equal(smtp.sent.length, 1);
});

Deno.test("two programs that answer each other stop after a few mails", async () => {
  await using account = await openAccount();
  const { imap, smtp } = account.servers;
  let answers = 0;
  smtp.onMail(({ mail }) => {
    // One that says of itself neither that it is a program nor what it answers.
    imap.deliver(newMail({ id: `re${++answers}@people.test`, subject: mail.subject ?? "", text: `echo ${answers}` }));
  });
  imap.deliver(newMail({ id: "re0@people.test", subject: "ping", text: "echo 0" }));
  let refused: unknown;
  for (let round = 0; refused === undefined; round++) {
    assert.ok(round <= 5, "they go on");
    const { conversation, providerMessageId } = await account.nextMessage(`echo ${round}`);
    refused = await account.room.send("main", "pong", { conversation, inReplyTo: [providerMessageId] })
      .then(() => undefined, (error) => error.reason);
  }
  assert.equal(refused, "thread_rate");
  assert.equal(smtp.sent.length, 5);
});
