import assert from "node:assert/strict";
import { purgeLetters } from "../../src/cli/dlq.ts";
import { openFakeAdmin } from "./fake_admin.ts";

async function purge(
  answers: readonly string[],
): Promise<{ readonly said: string; readonly bodies: readonly string[] }> {
  await using admin = await openFakeAdmin();
  let said = "";
  const write = (text: string) => void (said += text);
  const lines = async function* () {
    yield* answers;
  };
  const terminal = { env: {}, interactive: true, color: false, print: write, complain: write, lines };
  const flags = { data: admin.dataDir, json: false, dryRun: false, yes: false };
  assert.equal(await purgeLetters(terminal, flags, 12), 0);
  return { said, bodies: admin.requests.slice(1) };
}

Deno.test("purge asks a person how many letters may go, and a yes purges them", async () => {
  assert.deepEqual(await purge(["y"]), {
    said: "Purge 1 dead letter? [y/N] 1 dead letter purged.\n" +
      "To take it back within ten minutes: agent dlq restore 1795377600000\n",
    bodies: [
      'POST /api/dead-letters/purge {"ids":[12],"dryRun":true}',
      'POST /api/dead-letters/purge {"ids":[12],"dryRun":false}',
    ],
  });
});

Deno.test("anything but a yes, or the end of input, purges nothing", async () => {
  for (const answers of [["n"], [""], ["yeah"], []]) {
    const { said, bodies } = await purge(answers);
    assert.match(said, /Nothing was purged\.\n$/);
    assert.deepEqual(bodies, ['POST /api/dead-letters/purge {"ids":[12],"dryRun":true}']);
  }
});
