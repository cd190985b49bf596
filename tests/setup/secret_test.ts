import assert from "node:assert/strict";
import { newSecret } from "../../src/core/secret.ts";
import { writeSecrets } from "../../src/setup/secret.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { readTree } from "./setting_up.ts";

const value = newSecret("s3cret");

Deno.test("secrets of which one cannot be written leave nothing, and no folder that was not there", async () => {
  await using folder = await openTempDir();
  await rejectsWith("missing", writeSecrets(folder.path, [{ name: "a", value }, { name: "no/such", value }]));
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);

  await Deno.mkdir(`${folder.path}/secrets`, { mode: 0o755 });
  await Deno.writeTextFile(`${folder.path}/secrets/a`, "old");
  {
    await using _written = await writeSecrets(folder.path, [{ name: "a", value }, { name: "b", value }]);
  }
  assert.deepEqual([...await readTree(folder.path)], [["secrets/a", "old"]]);
  assert.equal(((await Deno.stat(`${folder.path}/secrets`)).mode ?? 0) & 0o777, 0o755);
});

Deno.test("a full disk is no fault of the program", async () => {
  const { message } = await rejectsWith("unavailable", Deno.writeTextFile("/dev/full", "x"));
  assert.match(message, /No space left/);
});
