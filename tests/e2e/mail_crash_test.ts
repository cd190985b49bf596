import assert from "node:assert/strict";
import type { CrashPlan } from "../fixtures/crash_ledger.ts";
import { openMailWorld } from "./mail_world.ts";

const plans: readonly CrashPlan[] = (["T1", "T2", "T3", "T4", "T5"] as const).flatMap((point): CrashPlan[] => [
  { point, when: "after", nth: 1 },
  { point, when: "after", nth: 3 },
  { point, when: "before", nth: 2 },
]);

for (const plan of plans) {
  Deno.test(`a crash ${plan.when} ${plan.point} number ${plan.nth} loses and doubles no mail`, async () => {
    await using world = await openMailWorld();
    for (let round = 0; round < 2; round++) {
      for (const thread of [1, 2]) world.mails.write(thread, "tool:probe_idempotent {}");
    }
    {
      await using doomed = await world.start({ plan });
      const timer = setTimeout(() => doomed.kill("SIGTERM"), 20_000);
      const { signal } = await doomed.stopped;
      clearTimeout(timer);
      assert.equal(signal, "SIGKILL", `the planned crash did not come:\n${doomed.stderr().slice(-20).join("\n")}`);
    }
    {
      await using nexo = await world.start();
      await world.mails.answered(AbortSignal.timeout(30_000));
      await nexo.idle();
    }
    world.mails.check(world.dataDir);
  });
}
