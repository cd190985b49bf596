import { crashAtRandom } from "./random_crashes.ts";

Deno.test("50 kills at random moments under load lose and double nothing, and recovery takes less than 3 s", async () => {
  await crashAtRandom({ kills: 50, updates: 200, chats: 20, seed: 1, recoveryWithinMs: 3_000 });
});
