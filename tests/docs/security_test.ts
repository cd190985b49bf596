import assert from "node:assert/strict";
import { repository } from "./pages.ts";

async function readTests(folder: URL): Promise<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const texts = entries.map(({ name, isDirectory }) => {
    if (isDirectory) return readTests(new URL(`${name}/`, folder));
    return name.endsWith("_test.ts") ? Deno.readTextFile(new URL(name, folder)) : "";
  });
  return (await Promise.all(texts)).join("\n");
}

Deno.test("every promise of the security model names a test that there is", async () => {
  const page = await Deno.readTextFile(new URL("docs/security.md", repository));
  const rows = page.split("\n").filter((line) => /^\| [^-]/.test(line) && !/^\| promised/.test(line));
  const named = rows.map((row) => row.split("|").at(-2)?.trim() ?? "");
  assert.ok(named.length > 35);
  const tests = await readTests(new URL("tests/", repository));
  assert.deepEqual(named.filter((name) => !tests.includes(`"${name}"`)), []);
});
