import assert from "node:assert/strict";
import { z } from "zod";

const repository = new URL("../../", import.meta.url);

const mapSchema = z.object({ imports: z.record(z.string(), z.string()) });
const maps = await Promise.all(
  ["deno.json", "console/deno.json"].map(async (path) =>
    mapSchema.parse(JSON.parse(await Deno.readTextFile(new URL(path, repository)))).imports
  ),
);
const imports: Readonly<Record<string, string>> = Object.assign({}, ...maps);

/** Package names in the first column of the table under `## In use`. */
async function documentedPackages(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("docs/dependencies.md", repository));
  const section = text.split(/^## /m).find((part) => part.startsWith("In use")) ?? "";
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? "");
}

async function readSources(folder: URL): Promise<string[]> {
  const texts: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) texts.push(...await readSources(new URL(`${entry.name}/`, folder)));
    else if (/\.tsx?$/.test(entry.name)) texts.push(await Deno.readTextFile(new URL(entry.name, folder)));
  }
  return texts;
}

Deno.test("docs/dependencies.md has one line for each package in use, and for no other", async () => {
  assert.deepEqual((await documentedPackages()).sort(), Object.keys(imports).sort());
});

Deno.test("every package is pinned to one version of npm", () => {
  for (const [name, target] of Object.entries(imports)) {
    assert.match(target, /^npm:\/?(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+(-[\w.]+)?(\/.*)?$/, name);
  }
});

Deno.test("every package in the import map is imported", async () => {
  const folders = ["src/", "plugins/", "console/", "tests/", "scripts/"].map((folder) => new URL(folder, repository));
  const text = (await Promise.all(folders.map(readSources))).flat().join("\n");
  const unused = Object.keys(imports).filter((name) =>
    !text.includes(`from "${name}`) && !text.includes(`import("${name}`)
  );
  assert.deepEqual(unused, []);
});
