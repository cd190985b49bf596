import assert from "node:assert/strict";
import { errorKinds } from "../../src/core/error.ts";
import { migrations } from "../../src/ledger/schema.ts";
import { repository } from "./pages.ts";

const page = await Deno.readTextFile(new URL("ARCHITECTURE.md", repository));

/** The first cells of the table in a section. */
function listRows(section: string): readonly string[] {
  const text = page.slice(page.indexOf(`\n## ${section}\n`)).split(/\n## /)[1] ?? "";
  return [...text.matchAll(/^\| `(\w+)` /gm)].map(([, name = ""]) => name);
}

Deno.test("the architecture names every table of the ledger, and no other", () => {
  const made = migrations.flatMap((migration) =>
    [...migration.matchAll(/CREATE (?:VIRTUAL )?TABLE (\w+)/g)].map(([, name = ""]) => name)
  );
  assert.deepEqual([...listRows("The ledger")].sort(), made.sort());
});

Deno.test("the architecture's table of errors is the one that the program reads", () => {
  const text = page.slice(page.indexOf("\n## Errors\n")).split(/\n## /)[1] ?? "";
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (\d+) +\| (\d+) +\| +(yes)? *\|/gm)]
    .map(([, kind = "", status, exit, again]) => [kind, Number(status), Number(exit), again === "yes"]);
  assert.deepEqual(
    rows,
    Object.entries(errorKinds).map(([kind, { status, exitCode, retry }]) => [kind, status, exitCode, retry]),
  );
});
