// deno-lint-ignore-file no-console -- the recovery times are what this test is read for
import { percentile } from "../fixtures/load.ts";
import { crashAtRandom } from "./random_crashes.ts";

Deno.test("300 kills at random moments under load lose and double nothing, and recovery takes less than 3 s", async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`seed ${seed}`);
  const recoveriesMs = await crashAtRandom({ kills: 300, updates: 3_000, chats: 50, seed, recoveryWithinMs: 3_000 });
  console.log(`recovery to the next model call: median ${percentile(recoveriesMs, 0.5)} ms of ${recoveriesMs.length}`);
});
