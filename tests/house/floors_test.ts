import assert from "node:assert/strict";
import { findViolations, readImports } from "../../scripts/floors.ts";

const repository = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Writes `files` into a new folder and gives the violations found there. */
async function violationsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [path, text] of Object.entries({ "deno.json": "{}", ...files })) {
      await Deno.mkdir(`${root}/${path.split("/").slice(0, -1).join("/")}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    return findViolations(await readImports(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("this repository keeps the floors and has no import cycle", async () => {
  assert.deepEqual(findViolations(await readImports(repository)), []);
});

Deno.test("imports from below, from the own folder and of a file that does not exist yet are fine", async () => {
  const violations = await violationsOf({
    "main.ts": `import "./src/cli/run.ts";`,
    "src/cli/run.ts": `import "../app/open.ts"; import "../core/a.ts";`,
    "src/app/open.ts": `import "../../plugins/telegram/plugin.ts"; import "../agent/missing.ts";`,
    "src/core/a.ts":
      `import { z } from "npm:zod@4.6.7"; import type { B } from "./b.ts"; export type A = [B, typeof z];`,
    "src/core/b.ts": `export type B = string;`,
    "plugins/telegram/plugin.ts": `import "../../src/sdk/serve.ts";`,
    "src/sdk/serve.ts": `import "../core/a.ts";`,
  });
  assert.deepEqual(violations, []);
});

Deno.test("a cycle through a type import is found", async () => {
  const violations = await violationsOf({
    "src/core/a.ts": `import type { B } from "./b.ts"; export type A = B;`,
    "src/core/b.ts": `import type { A } from "./a.ts"; export type B = A[];`,
  });
  assert.deepEqual(violations, ["import cycle: src/core/a.ts -> src/core/b.ts -> src/core/a.ts"]);
});

Deno.test("a cycle through a dynamic import is found", async () => {
  const violations = await violationsOf({
    "src/core/a.ts": `export const load = () => import("./b.ts");`,
    "src/core/b.ts": `export * from "./a.ts";`,
  });
  assert.deepEqual(violations, ["import cycle: src/core/a.ts -> src/core/b.ts -> src/core/a.ts"]);
});

Deno.test("a type import between two rooms of one floor is found", async () => {
  const violations = await violationsOf({
    "src/agent/x.ts": `import type { Y } from "../llm/y.ts"; export type X = Y;`,
    "src/llm/y.ts": `export type Y = string;`,
  });
  assert.deepEqual(violations, ["src/agent/x.ts imports src/llm/y.ts: floor 3 rooms do not see each other"]);
});

Deno.test("an import of a higher floor is found", async () => {
  const violations = await violationsOf({
    "src/core/x.ts": `import "../app/open.ts";`,
    "src/app/open.ts": `export {};`,
  });
  assert.deepEqual(violations, ["src/core/x.ts imports src/app/open.ts: floor 1 does not see floor 5 above it"]);
});

Deno.test("a plugin sees neither another plugin nor the rooms, and a room sees no plugin", async () => {
  const violations = await violationsOf({
    "plugins/mail/a.ts": `import "../telegram/b.ts"; import "../../src/agent/x.ts";`,
    "plugins/telegram/b.ts": `export {};`,
    "src/agent/x.ts": `import "../../plugins/telegram/b.ts";`,
  });
  assert.deepEqual(violations, [
    "plugins/mail/a.ts imports plugins/telegram/b.ts: plugins do not see each other",
    "plugins/mail/a.ts imports src/agent/x.ts: plugins see only src/lib, src/core, src/sdk",
    "src/agent/x.ts imports plugins/telegram/b.ts: only src/app and the floors above it know the plugins",
  ]);
});

Deno.test("a package on the ground floor, a second one beside zod among the words and a folder without a floor are found", async () => {
  const violations = await violationsOf({
    "src/core/a.ts": `import "npm:croner@11.0.1";`,
    "src/lib/a.ts": `import "node:fs";`,
    "src/attic/a.ts": `import "../lib/a.ts";`,
    "src/app/a.ts": `import "../../tests/helper.ts";`,
    "tests/helper.ts": `export {};`,
  });
  assert.deepEqual(
    violations,
    [
      "src/app/a.ts imports tests/helper.ts: tests/helper.ts stands on no floor",
      "src/attic/a.ts imports src/lib/a.ts: src/attic stands on no floor; add it to scripts/floors.ts and ARCHITECTURE.md",
      "src/core/a.ts imports npm:croner@11.0.1: floor 1 uses no package but zod",
      "src/lib/a.ts imports node:fs: floor 0 uses no package",
    ].sort(),
  );
});
