import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { never, newFact, openTestMemory, operator } from "./room.ts";

const total = 640;

/** Runs the program that remembers, until `enough` says so of the facts it has told, then kills it. */
async function runAndKill(
  folder: string,
  from: number,
  enough: (told: readonly number[]) => boolean | Promise<boolean>,
) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("./remember_main.ts", import.meta.url).pathname,
      folder,
      `${from}`,
      `${total}`,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const told: number[] = [];
  let text = "";
  const watch = (async () => {
    // What another process writes into a file has no event.
    while (!await enough(told)) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGKILL");
  })();
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    told.push(...lines.map(Number));
  }
  await watch;
  await child.status;
  return told;
}

/** Nothing of the file is half-done. Gives the keys of its facts. */
function check(path: string): ReadonlySet<string> {
  using database = new DatabaseSync(path);
  const all = (sql: string) => database.prepare(sql).all();
  assert.deepEqual(all("PRAGMA integrity_check").map((row) => row["integrity_check"]), ["ok"]);
  database.exec("INSERT INTO words (words) VALUES ('integrity-check')");
  const [{ n: unindexed } = {}] = all("SELECT count(*) AS n FROM facts WHERE row NOT IN (SELECT rowid FROM words)");
  assert.equal(unindexed, 0);
  assert.deepEqual(all("SELECT row FROM vectors EXCEPT SELECT row FROM codes"), []);
  assert.deepEqual(all("SELECT row FROM codes EXCEPT SELECT row FROM vectors"), []);
  assert.deepEqual(all("SELECT f.row FROM facts f JOIN codes c ON c.row = f.row WHERE c.model <> f.model"), []);
  assert.deepEqual(all("SELECT row FROM facts WHERE model > 0 EXCEPT SELECT row FROM vectors"), []);
  assert.deepEqual(all("SELECT row FROM vectors WHERE length(vector) <> 4 * 384"), []);
  return new Set(all("SELECT key FROM facts").map((row) => String(row["key"])));
}

/** How many facts have a vector of the embedder that is part of the program. */
function countVectors(path: string): number {
  using database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  const sql = "SELECT count(*) AS n FROM facts JOIN models USING (model) WHERE name = 'embedded/words-1'";
  return Number(database.prepare(sql).get()?.["n"]);
}

Deno.test("killed while it remembers, memory holds every fact it has told of and each once", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/ana/memory.db`;
  const told = new Set<number>();
  for (const stopAt of [5, 40, 90]) {
    for (const number of await runAndKill(folder, 0, (now) => now.length >= stopAt)) told.add(number);
    const keys = check(path);
    for (const number of told) assert.ok(keys.has(`key${number}`), `fact ${number} is lost`);
  }
  await using test = await openTestMemory({ folder });
  const { total: before } = await test.memory.list("ana", { limit: 1 }, operator, never);
  for (const number of told) {
    await test.memory.remember("ana", newFact("the same again", { key: `key${number}` }), operator, never);
  }
  assert.equal((await test.memory.list("ana", { limit: 1 }, operator, never)).total, before);
  await test.memory[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("killed while it makes new vectors of all facts, nothing is half-done and the next start goes on", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/ana/memory.db`;
  {
    await using test = await openTestMemory({ folder });
    for (let from = 0; from < total; from += 160) {
      const facts = Array.from({ length: 160 }, (_, index) => newFact(`Fact number ${from + index} of many`));
      await Promise.all(facts.map((fact) => test.memory.remember("ana", fact, operator, never)));
    }
    await test.indexed(total);
  }
  {
    // To the program another model has made these.
    using database = new DatabaseSync(path);
    database.exec("UPDATE models SET name = 'another model'");
  }
  for (const share of [0.2, 0.6]) {
    await runAndKill(folder, total, () => countVectors(path) > share * total);
    check(path);
  }
  await using test = await openTestMemory({ folder });
  const left = total - countVectors(path);
  await test.memory.recall("ana", { text: "fact", limit: 1, counts: false }, operator, never);
  await test.indexed(left);
  assert.equal(countVectors(path), total);
  await test.memory[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});
