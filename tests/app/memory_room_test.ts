import assert from "node:assert/strict";
import { placeLibrary } from "../../src/app/memory_room.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";

Deno.test("a native library from inside of an executable is copied to where nobody else can change it", async () => {
  await using folder = await openTempDir();
  const inside = new URL(`file://${folder.path}/inside`);
  await Deno.writeTextFile(inside, "native code");
  const copy = placeLibrary(inside, folder.path);
  await Deno.writeTextFile(copy, "other code");
  assert.equal(placeLibrary(inside, folder.path), copy);
  assert.equal(await Deno.readTextFile(copy), "native code");
  const { mode } = await Deno.stat(`${folder.path}/native`);
  assert.equal((mode ?? 0) & 0o777, 0o700);
  assert.equal((await Array.fromAsync(Deno.readDir(`${folder.path}/native`))).length, 1);
});
