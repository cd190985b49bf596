import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { openAccount } from "./account_room.ts";
import { newMail, ownAddress } from "./mail_room.ts";

Deno.test("mail that lies there at the first start is past, but for the newest that backfill names", async () => {
  const prepare = ({ imap }: { readonly imap: { deliver(mail: string): void } }) => {
    for (let index = 1; index <= 5; index++) {
      imap.deliver(newMail({ id: `${index}@people.test`, text: `old ${index}` }));
    }
  };
  for (const [backfill, expected] of [[0, ["new"]], [2, ["old 4", "old 5", "new"]]] as const) {
    await using account = await openAccount({ backfill }, prepare);
    account.servers.imap.deliver(newMail({ text: "new" }));
    await account.nextMessage("new");
    assert.deepEqual(account.messages().map(({ text }) => text), expected);
  }
});

Deno.test("what programs, lists and we ourselves sent is left, and the mailbox goes on", async () => {
  await using account = await openAccount({ from: { deny: ["*@spam.test"] } });
  const { imap } = account.servers;
  const noise: readonly [string, string][] = [
    ["auto_submitted", newMail({ headers: ["Auto-Submitted: auto-replied (vacation)"] })],
    ["auto_submitted", newMail({ headers: ["X-Autoreply: yes"] })],
    ["list_mail", newMail({ headers: ["List-Id: <news.people.test>"] })],
    ["list_mail", newMail({ headers: ["List-Unsubscribe: <https://people.test/>"] })],
    ["bulk", newMail({ headers: ["Precedence: bulk"] })],
    ["own_mail", newMail({ from: `Ana <${ownAddress.toUpperCase()}>` })],
    ["bounce_of_other_mail", newMail({ from: "MAILER-DAEMON@people.test" })],
    ["no_return_path", newMail({ headers: ["Return-Path: <>"] })],
    ["denied_by_filter", newMail({ from: "x@spam.test" })],
    ["no_single_author", newMail({ headers: ["From: eve@people.test"] })],
    ["no_single_author", newMail({ from: "undisclosed" })],
  ];
  for (const [, mail] of noise) imap.deliver(mail);
  imap.deliver(newMail({ text: "a person", headers: ["Auto-Submitted: no"] }));
  await account.nextMessage("a person");
  assert.equal(account.messages().length, 1);
  assert.deepEqual(account.reasons("email.ignored"), noise.map(([reason]) => reason));
});

Deno.test("a filter that names senders reads only those", async () => {
  await using account = await openAccount({ from: { allow: ["*@people.test"] } });
  account.servers.imap.deliver(newMail({ from: "x@elsewhere.test", text: "unheard" }));
  account.servers.imap.deliver(newMail({ text: "heard" }));
  await account.nextMessage("heard");
  assert.deepEqual(account.messages().map(({ text }) => text), ["heard"]);
});

Deno.test("a thread is one conversation for each person in it", async () => {
  await using account = await openAccount();
  const { imap, smtp } = account.servers;
  imap.deliver(newMail({ id: "1@p.test", subject: "the matter", text: "first" }));
  const { conversation } = await account.nextMessage("first");
  await account.room.send("main", "answer", { conversation, inReplyTo: ["1@p.test"] });
  const answerId = smtp.sent[0]?.mail.messageId?.slice(1, -1) ?? "";
  imap.deliver(newMail({ id: "2@p.test", references: ["1@p.test"], text: "by the first mail" }));
  imap.deliver(newMail({ id: "3@p.test", headers: [`In-Reply-To: <${answerId}>`], text: "by the answer alone" }));
  imap.deliver(newMail({ id: "4@p.test", subject: "AW: Re: the matter", text: "by the subject" }));
  imap.deliver(newMail({ id: "5@p.test", subject: "another matter", text: "a new one" }));
  imap.deliver(
    newMail({ id: "6@p.test", from: "eve@p.test", references: ["1@p.test", answerId], text: "somebody else" }),
  );
  await account.nextMessage("somebody else");
  const [one, ...others] = account.messages();
  assert.deepEqual(
    others.map((message) => message.conversation === one?.conversation),
    [true, true, true, false, false],
  );
  assert.equal(account.messages().at(-1)?.conversation.startsWith("eve@p.test/"), true);
});

Deno.test("the quotation below an answer is left out where the thread is known, and kept where it is not", async () => {
  await using account = await openAccount();
  const { imap } = account.servers;
  const text = "Yes.\r\n\r\nOn Monday, Ana wrote:\r\n> Shall I?\r\n> Ana";
  imap.deliver(newMail({ id: "1@p.test", references: ["unknown@p.test"], text }));
  imap.deliver(newMail({ id: "2@p.test", references: ["1@p.test"], text: text.replace("Yes", "Again") }));
  assert.match((await account.nextMessage("Yes.")).text, /Shall I/);
  assert.equal((await account.nextMessage("Again.")).text, "Again.");
});

Deno.test("the heading tells subject and sender, and only the receiving server vouches for one", async () => {
  await using account = await openAccount({ authserv_id: "mx.agents.test" });
  const { imap } = account.servers;
  const checked = "mx.agents.test; spf=pass smtp.mailfrom=p.test; dkim=fail; dkim=pass; dmarc=pass header.from=p.test";
  imap.deliver(
    newMail({
      from: "Bob B <bob@p.test>",
      subject: "hi",
      text: "good",
      headers: [`Authentication-Results: ${checked}`],
    }),
  );
  imap.deliver(newMail({
    text: "forged",
    headers: [
      "Authentication-Results: mx.people.test; dmarc=pass",
      "Authentication-Results: evil (mx.agents.test;); dmarc=pass",
    ],
  }));
  const good = await account.nextMessage("good");
  assert.equal(
    good.heading,
    "From: Bob B <bob@p.test>\nSubject: hi\nSender: verified by mx.agents.test (spf=pass, dkim=pass, dmarc=pass)",
  );
  assert.equal(good.untrusted, false);
  const forged = await account.nextMessage("forged");
  assert.match(forged.heading ?? "", /Sender: not checked by mx\.agents\.test$/);
  assert.equal(forged.untrusted, true);
});

Deno.test("a mail that the runtime refuses for good is set aside with a flag, and the next one is taken", async () => {
  await using account = await openAccount();
  const { imap } = account.servers;
  account.room.bus.refuseNext(new AppError("invalid", "no"));
  imap.deliver(newMail({ text: "poison" }));
  imap.deliver(newMail({ text: "fine" }));
  await account.nextMessage("fine");
  assert.deepEqual(account.reasons("email.quarantined"), ["refused_by_runtime"]);
  await imap.until(() => imap.mails().some(({ flags }) => flags === "F"), account.room.signal);
});

Deno.test("a copy of a mail is not handed over again, in the same folder or in a renumbered one", async () => {
  await using account = await openAccount();
  const { imap } = account.servers;
  imap.deliver(newMail({ id: "1@p.test", text: "once" }));
  imap.deliver(newMail({ id: "1@p.test", text: "once" }));
  await account.nextLog("email.ignored");
  await imap.renumber();
  imap.deliver(newMail({ id: "2@p.test", text: "after" }));
  await account.nextMessage("after");
  assert.deepEqual(account.messages().map(({ text }) => text), ["once", "after"]);
  assert.deepEqual(account.reasons("email.ignored"), ["known", "known", "known"]);
});

Deno.test("mail is found by asking where the server gives no notice", async () => {
  await using account = await openAccount({ poll_seconds: 5 }, ({ imap }) => imap.withoutNotices());
  account.servers.imap.deliver(newMail({ text: "early" }));
  await account.nextMessage("early");
  account.servers.imap.deliver(newMail({ text: "quiet" }));
  await account.nextMessage("quiet");
});

Deno.test("a refused login is told with its remedy and without the password", async () => {
  await using account = await openAccount({ password: "not-the-password" });
  const [status] = account.room.host.status();
  assert.equal(status?.state, "degraded");
  assert.match(status?.reason ?? "", /refuses the login of ana.*Set the password/);
  assert.doesNotMatch(JSON.stringify([account.room.log.entries, status]), /not-the-password/);
});
