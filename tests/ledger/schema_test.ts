import assert from "node:assert/strict";
import { migrations } from "../../src/ledger/schema.ts";

/** What the release before can live with: it neither misses anything nor has to name anything. */
const additions = [
  /^CREATE (VIRTUAL )?TABLE /,
  /^CREATE (UNIQUE )?INDEX /,
  /^CREATE VIEW /,
  /^CREATE TRIGGER /,
  /^INSERT (OR IGNORE )?INTO /,
  /^ALTER TABLE \w+ ADD COLUMN (?!.*NOT NULL(?!.* DEFAULT ))/,
];

/** The statements of a migration, the body of a trigger with its head. */
function toStatements(migration: string): readonly string[] {
  const bare = migration.replace(/--.*$/gm, "").replace(/\s+/g, " ");
  const whole = bare.replace(/BEGIN .*? END;/g, (body) => body.replace(/;(?!$)/g, ","));
  return whole.split(";").map((statement) => statement.trim()).filter((statement) => statement !== "");
}

Deno.test("migrations only add, so that the release before still reads and writes the ledger", () => {
  const others = migrations.flatMap(toStatements).filter((statement) =>
    !additions.some((addition) => addition.test(statement))
  );
  assert.deepEqual(others, []);
});

Deno.test("no unique index is laid over a table that the release before writes", () => {
  const tables = migrations.map((migration) => [...migration.matchAll(/CREATE TABLE (\w+)/g)].map(([, name]) => name));
  const laid = migrations.flatMap((migration, index) =>
    [...migration.matchAll(/CREATE UNIQUE INDEX (\w+) ON (\w+)/g)]
      .filter(([, , table]) => !tables[index]?.includes(table))
      .map(([, name]) => name)
  );
  assert.deepEqual(laid, []);
});
