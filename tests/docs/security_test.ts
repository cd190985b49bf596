import assert from "node:assert/strict";
import { repository } from "./pages.ts";

async function readTests(folder: URL): Promise<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const texts = entries.map(({ name, isDirectory }) => {
    if (isDirectory) return readTests(new URL(`${name}/`, folder));
    // What takes long is not run by everybody, and proves nothing to who runs `deno task test`.
    return name.endsWith("_test.ts") && !name.endsWith("_long_test.ts") ? Deno.readTextFile(new URL(name, folder)) : "";
  });
  return (await Promise.all(texts)).join("\n");
}

/** Names of the tests and steps that `text` declares; of one for each of several ways, the part before the way. */
function listTests(text: string): ReadonlySet<string> {
  const plain = /(?:\bDeno\.test|\bt\.step)\(\s*(["`])(.+?)(?: \(\$\{\w+\}\))?\1/g;
  return new Set([...text.matchAll(plain)].map(([, , name = ""]) => name));
}

Deno.test("every promise of the security model names tests that there are and that run", async () => {
  const page = await Deno.readTextFile(new URL("docs/security.md", repository));
  const rows = page.split("\n").filter((line) => /^\| [^-]/.test(line) && !/^\| promised/.test(line));
  assert.ok(rows.length > 45);
  const named = rows.flatMap((row) => (row.split("|").at(-2) ?? "").split("<br>").map((name) => name.trim()));
  const tests = listTests(await readTests(new URL("tests/", repository)));
  assert.deepEqual(named.filter((name) => !tests.has(name)), []);
  assert.equal(new Set(rows.map((row) => row.split("|")[1])).size, rows.length);
});

Deno.test("every section of the security model says what is not promised", async () => {
  const page = await Deno.readTextFile(new URL("docs/security.md", repository));
  const sections = page.split(/\n## /).slice(1);
  assert.ok(sections.length >= 8);
  assert.deepEqual(
    sections.filter((text) => !/\b[Nn]ot\s+promised:/.test(text)).map((text) => text.split("\n")[0]),
    [],
  );
});
