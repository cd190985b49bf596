import assert from "node:assert/strict";
import { openAccount } from "./account_room.ts";
import { newMail } from "./mail_room.ts";

/** A provider that gives out tokens, replaces the refresh token each time, and knows which access tokens are good. */
function openProvider() {
  const valid = new Set<string>();
  const asked: string[] = [];
  let refreshToken = "r0";
  let isOpen = true;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const form = new URLSearchParams(await request.text());
    if (new URL(request.url).pathname === "/introspect") {
      if (!isOpen) return new Response(null, { status: 500 });
      const isGood = valid.has(form.get("token") ?? "");
      return Response.json(isGood ? { active: true, username: "ana" } : { active: false });
    }
    asked.push(form.get("refresh_token") ?? "");
    if (form.get("refresh_token") !== refreshToken) return Response.json({ error: "invalid_grant" }, { status: 400 });
    refreshToken = `r${asked.length}`;
    const access_token = `a${asked.length}`;
    valid.add(access_token);
    return Response.json({ access_token, refresh_token: refreshToken, expires_in: 3_600 });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    asked,
    valid,
    /** Takes every access token back. */
    revoke: () => valid.clear(),
    /** Whether it tells servers anything of tokens. */
    setOpen: (open: boolean) => isOpen = open,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("an account with OAuth2 reads and answers, and survives its tokens being replaced and taken back", async () => {
  await using provider = openProvider();
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
  await using provider = openProvider();
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
