import assert from "node:assert/strict";
import { type CrashPlan, formatCrashPlan } from "../fixtures/crash_ledger.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { alice, linkFolder, toConfig } from "../whatsapp/room.ts";
import { checkLedger } from "./chats.ts";

/**
 * Tests that two messages are answered once each, a tool writing on the way, the process being killed by `plan`
 * meanwhile. T4 and T5 come twice for each message: for what the tool sends, and for the answer.
 */
export function testWhatsAppCrash(plan: CrashPlan): void {
  Deno.test(`a crash ${plan.when} ${plan.point} number ${plan.nth} loses and doubles nothing that people see`, async () => {
    await using model = openFakeModel();
    await using fake = openFakeWhatsApp();
    await using data = await openTempDir();
    await linkFolder(fake, `${data.path}/plugins/whatsapp/main`);
    const agent = {
      inbound_bindings: [{ plugin: "whatsapp", instance: "main", open: true }],
      allowed_tools: ["whatsapp_*"],
    };
    const config = {
      ...newTestConfig({ modelUrl: model.baseUrl, agent }),
      "plugins/whatsapp.yaml": { whatsapp: [{ instance: "main", ...toConfig(fake) }] },
    };
    const start = (env: Record<string, string> = {}) =>
      startNexo({ config, dataDir: data.path, entry: new URL("../fixtures/crash_main.ts", import.meta.url), env });
    let ids: readonly string[] = [];
    {
      await using doomed = await start({ CRASH_PLAN: formatCrashPlan(plan) });
      await doomed.nextLog("plugin.ready");
      ids = [1, 2].map((number) =>
        fake.inject({
          from: alice,
          text: `q1x${number}z\ntool:whatsapp_reply {"text":"said q1x${number}z"}`,
          encrypted: true,
        })
      );
      const timer = setTimeout(() => doomed.kill("SIGTERM"), 30_000);
      const { signal } = await doomed.stopped;
      clearTimeout(timer);
      assert.equal(signal, "SIGKILL", `the planned crash did not come:\n${doomed.stderr().slice(-20).join("\n")}`);
    }
    {
      await using nexo = await start();
      await fake.untilSeen(4, AbortSignal.timeout(30_000));
      await fake.drained(AbortSignal.timeout(60_000));
      await nexo.idle();
    }
    checkLedger(data.path);
    assert.deepEqual(fake.seen.filter(({ quotes }) => quotes !== undefined).map(({ quotes }) => quotes), ids);
    const answers = fake.seen.filter(({ quotes }) => quotes === undefined).map(({ text }) => /q1x\dz/.exec(text)?.[0]);
    assert.deepEqual(answers, ["q1x1z", "q1x2z"]);
  });
}
