import assert from "node:assert/strict";
import { findRunning } from "../../src/cli/admin_client.ts";
import { channelsAnswerSchema } from "../../src/http/channels_api.ts";
import { openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { writeConfig } from "../fixtures/nexo_process.ts";
import { keys } from "../fixtures/pty.ts";
import { eventually } from "../e2e/black_box.ts";
import { account, toConfig } from "../whatsapp/room.ts";
import { openSetupRoom, type SetupRoom } from "./setting_up.ts";
import { answer, openWizard, write } from "./typing.ts";

const { enter, ctrlC } = keys;

/** What the phone's camera sees: the code that the process shows. */
async function readQr({ data }: SetupRoom): Promise<string> {
  let qr: string | undefined;
  await eventually(async () => {
    const running = await findRunning(data, {});
    const [channel] = (await running?.admin.get("/api/channels", {}, channelsAnswerSchema))?.channels ?? [];
    qr = channel?.pairing !== undefined && "qr" in channel.pairing ? channel.pairing.qr : undefined;
    return qr !== undefined;
  }, "a QR code");
  return qr ?? "";
}

Deno.test("the wizard links a WhatsApp account where nothing runs, and leaves nothing running", async () => {
  await using fake = openFakeWhatsApp();
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ana", "--language", "en")).code, 0);
  await writeConfig(room.config, { "plugins/whatsapp.yaml": { whatsapp: [{ instance: "main", ...toConfig(fake) }] } });
  const linking = [
    [/A name for this account/, `main${enter}`],
    [/Your number/, enter],
    write,
    [/Show its QR code now\? The agents run until it is linked/, enter],
    [/Ctrl-C leaves[^]*█[^]*█[^]*scan it in the console/, ""],
  ] as const;
  {
    await using terminal = await openWizard(room, "whatsapp");
    await answer(terminal, linking);
    await terminal.type(ctrlC);
    assert.equal(await terminal.code, 130, terminal.screen());
    assert.match(terminal.screen(), /go on later with: agent pair whatsapp main/);
  }
  assert.equal(await findRunning(room.data, {}), undefined);
  await using terminal = await openWizard(room, "whatsapp");
  await answer(terminal, linking);
  fake.scan(await readQr(room), account);
  await terminal.see(/whatsapp\.main is linked: \+15550000001/);
  assert.equal(await terminal.code, 0, terminal.screen());
  assert.deepEqual(await terminal.left, { cooked: true, cursor: true });
  assert.equal(await findRunning(room.data, {}), undefined);
  assert.equal((await room.agent("config", "check")).code, 0);
});
