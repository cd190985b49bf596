import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo, startRefused } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";
import { newChats } from "./chats.ts";

/** A folder on a disk of its own, of `sizeBytes`. Only root may make one. */
async function openSmallDisk(sizeBytes: number) {
  await using cleanup = new AsyncDisposableStack();
  const { path } = cleanup.use(await openTempDir());
  await run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", path);
  cleanup.defer(() => run("umount", path));
  const filler = `${path}/filler`;
  const owned = cleanup.move();
  return {
    path: `${path}/data`,
    /** Takes all the space that is left. */
    async fill() {
      using file = await Deno.open(filler, { create: true, append: true });
      for (let size = 65_536; size >= 1;) {
        try {
          await file.write(new Uint8Array(size));
        } catch (error) {
          assert.match(String(error), /No space/);
          size = Math.floor(size / 2);
        }
      }
    },
    /** Gives it back. */
    empty: () => Deno.remove(filler),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function run(command: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
}

const isRoot = Deno.uid() === 0;

Deno.test({
  name: "a full disk pauses intake, is told, and costs no message once there is space again",
  ignore: !isRoot || Deno.build.os !== "linux",
  async fn() {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    await using disk = await openSmallDisk(8_000_000);
    const chats = newChats(telegram);
    {
      await using nexo = await startNexo({
        config: newTestConfig({ modelUrl: model.baseUrl, telegram }),
        dataDir: disk.path,
      });
      const box = newBlackBox(nexo);
      chats.write(1);
      await chats.answered(AbortSignal.timeout(60_000));
      await model.setRules([{ act: "hold", times: 2 }]);
      chats.write(1);
      chats.write(2);
      await model.requests({ held: 2 });
      await disk.fill();
      for (let chat = 1; chat <= 20; chat++) chats.write(chat, "x".repeat(4_000));
      await nexo.nextLog("intake.paused");
      const { status, text } = await box.ready();
      assert.equal(status, 503);
      assert.match(text, /disk is full/i);
      const refused = await box.chat({ user: "u", text: "x".repeat(10_000) });
      assert.equal(refused.status, 503);
      assert.ok(Number(refused.headers.get("retry-after")) > 0);
      const refusedUnits = () => box.metric("nexo_ledger_units_total", "unavailable");
      const before = await refusedUnits();
      await model.release();
      for (let chat = 1; chat <= 20; chat++) chats.write(chat);
      await eventually(async () => await refusedUnits() > before, "an answer meets the full disk");
      await disk.empty();
      await eventually(async () => (await box.ready()).status === 200, "ready again");
      await chats.answered(AbortSignal.timeout(30_000));
      assert.equal((await box.chat({ user: "u", text: "hi" })).text, "answer to: hi");
    }
    chats.check(disk.path);
  },
});

Deno.test("a ledger that was damaged while nobody ran is named, kept byte for byte, and told how to go on", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const path = `${data.path}/ledger.db`;
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    const box = newBlackBox(nexo);
    for (let round = 0; round < 30; round++) await box.chat({ user: `u${round}`, text: "x".repeat(5_000) });
  }
  const bytes = await Deno.readFile(path);
  for (let at = 4096; at < bytes.length - 4096; at += 4096) bytes.fill(0xab, at + 8, at + 900);
  await Deno.writeFile(path, bytes);
  const { code, stderr } = await startRefused({ config, dataDir: data.path });
  assert.notEqual(code, 0);
  assert.match(stderr.join("\n"), /ledger\.db/);
  assert.deepEqual(await Deno.readFile(path), bytes);
});
