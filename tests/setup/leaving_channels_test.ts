import assert from "node:assert/strict";
import { keys } from "../fixtures/pty.ts";
import { openSetupRoom } from "./setting_up.ts";
import { answer, leaveEverywhere, openWizard, write } from "./typing.ts";

const { enter, ctrlC } = keys;

Deno.test("Ctrl-C at every question about WhatsApp leaves the config as it was", async () => {
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  await leaveEverywhere(room, ["whatsapp"], [
    [/Which agent shall answer/, enter],
    [/A name for this account/, `support${enter}`],
    [/Your number/, enter],
    write,
  ], [[/Show its QR code now\?/, "n"]]);

  const before = await room.snapshot();
  await using terminal = await openWizard(room, "whatsapp", "--agent", "ana");
  await answer(terminal, [[/A name/, `second${enter}`], [/Your number/, enter], write]);
  await terminal.see(/Show its QR code now\?/);
  await terminal.type(ctrlC);
  assert.equal(await terminal.code, 130);
  assert.deepEqual(await terminal.left, { cooked: true, cursor: true });
  assert.notDeepEqual(await room.snapshot(), before, "what was written stays");
  assert.equal((await room.agent("config", "check")).code, 0);
});

Deno.test("Ctrl-C at every question about mail leaves the config as it was", async () => {
  await using room = await openSetupRoom();
  await leaveEverywhere(room, ["email", "--offline"], [
    [/A name for this account/, `box${enter}`],
    [/Mail address/, `ana@gmail.com${enter}`],
    [/How does it log in\?/, enter],
    [/Its password/, `secret${enter}`],
    [/Whose mail/, enter],
    write,
  ]);
  await leaveEverywhere(room, ["email", "--offline"], [
    [/A name for this account/, `second${enter}`],
    [/Mail address/, `ben@outlook.com${enter}`],
    [/How does it log in\?[^]*● with OAuth2/, enter],
    [/Id of your application/, `us${enter}`],
    [/a client secret\?/, "y"],
    [/Its client secret/, `s3cret${enter}`],
    [/Refresh token of the account/, `t0ken${enter}`],
    [/Address that gives out access tokens/, enter],
    [/Whose mail/, enter],
    write,
  ]);
  assert.match(await room.read("plugins/email.yaml"), /token_url: "https:\/\/login\.microsoftonline\.com/);
  await using terminal = await openWizard(room, "email", "--offline");
  await answer(terminal, [
    [/A name for this account/, `other${enter}`],
    [/Mail address/, `ana@firm.invalid${enter}`],
  ]);
  for (const question of [/IMAP server/, /SMTP server/]) {
    await terminal.see(question);
    await terminal.type(question.source.startsWith("IMAP") ? `imap.firm.invalid${enter}` : ctrlC);
  }
  assert.equal(await terminal.code, 130);
  assert.equal((await room.agent("config", "check")).code, 0);
});
