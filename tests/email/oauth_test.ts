import assert from "node:assert/strict";
import { openTokenProvider } from "../fixtures/token_provider.ts";
import { openAccount } from "./account_room.ts";
import { newMail } from "./mail_room.ts";

Deno.test("an account with OAuth2 reads and answers, and survives its tokens being replaced and taken back", async () => {
  await using provider = openTokenProvider();
  const oauth2 = { client_id: "us", refresh_token: "r0", token_url: `${provider.url}/token` };
  const settings = { password: undefined, oauth2 };
  const accepts = (login: string) => provider.valid.has(login);
  await using account = await openAccount(settings, () => {}, { accepts }, `${provider.url}/introspect`);
  const { servers: { imap, smtp }, room } = account;
  imap.deliver(newMail({ id: "1@people.test", text: "first" }));
  const { conversation } = await account.nextMessage("first");
  await room.send("main", "answer", { conversation, inReplyTo: ["1@people.test"] });
  assert.deepEqual(smtp.logins, ["a1"]);

  // After a restart the token of the config is of no use any more.
  await account.apply();
  await account.apply(settings);
  imap.deliver(newMail({ id: "2@people.test", text: "second" }));
  await account.nextMessage("second");
  assert.deepEqual(provider.asked, ["r0", "r1"]);

  // A token that the server does not take any more is replaced by a new one.
  provider.revoke();
  await imap.kill();
  await imap.start();
  imap.deliver(newMail({ id: "3@people.test", text: "third" }));
  await account.nextMessage("third");
  await room.send("main", "another answer", { conversation, inReplyTo: ["1@people.test"] });
  assert.deepEqual(provider.asked, ["r0", "r1", "r2"]);
  assert.deepEqual(smtp.logins, ["a1", "a3"]);
});

Deno.test("a server that cannot tell now whether a login is right is asked again soon", async () => {
  await using provider = openTokenProvider();
  provider.setOpen(false);
  const oauth2 = { client_id: "us", refresh_token: "r0", token_url: `${provider.url}/token` };
  await using account = await openAccount(
    { password: undefined, oauth2 },
    () => {},
    undefined,
    `${provider.url}/introspect`,
  );
  assert.match(account.room.host.instances()[0]?.reason ?? "", /Temporary authentication failure/);
  provider.setOpen(true);
  await account.room.log.nextEntry(({ event }) => event === "email.connected", account.room.signal);
});
