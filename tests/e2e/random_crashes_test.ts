import { crashAtRandom } from "./random_crashes.ts";

Deno.test("8 kills at random moments under load lose and double nothing", async () => {
  await crashAtRandom({ kills: 8, updates: 60, chats: 10, seed: 1, recoveryWithinMs: 10_000 });
});
