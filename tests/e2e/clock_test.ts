import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { newChats } from "./chats.ts";

/** Where libfaketime is: its own command tells. */
async function findLibrary(): Promise<string> {
  const { stdout } = await new Deno.Command("faketime", { args: ["-f", "+0s", "printenv", "LD_PRELOAD"] }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("a clock that goes back, and forth again, costs no message, no order and no session", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  await using folder = await openTempDir();
  const clockFile = `${folder.path}/clock`;
  await Deno.writeTextFile(clockFile, "+0\n");
  const chats = newChats(telegram);
  const longAgo = new Date(Date.now() - 400 * 86_400_000).toISOString().slice(0, 10);
  {
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram }),
      dataDir: data.path,
      env: {
        LD_PRELOAD: await findLibrary(),
        FAKETIME_TIMESTAMP_FILE: clockFile,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    });
    const box = newBlackBox(nexo);
    for (const shift of ["+0", "-6h", "+2h", "-400d", "+0"]) {
      await Deno.writeTextFile(clockFile, `${shift}\n`);
      for (let round = 0; round < 3; round++) for (const chat of [1, 2, 3]) chats.write(chat);
      await chats.answered(AbortSignal.timeout(30_000));
      assert.equal((await box.chat({ user: "u", text: `now ${shift}` })).text, `answer to: now ${shift}`);
    }
    assert.equal((await box.ready()).status, 200);
    assert.ok(nexo.stderr().some((line) => line.includes(`"at":"${longAgo}`)), "it went back");
    assert.match(JSON.stringify((await model.requests()).at(-1)?.messages), /now -400d/, "one session all the time");
  }
  chats.check(data.path);
});
