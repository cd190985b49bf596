import assert from "node:assert/strict";
import { metricTable } from "../../src/core/metrics.ts";

const repository = new URL("../../", import.meta.url);

interface SourceFile {
  readonly path: string;
  readonly lines: readonly string[];
}

async function readSources(...places: readonly string[]): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const place of places) {
    for await (const entry of Deno.readDir(new URL(place, repository))) {
      const path = `${place}/${entry.name}`;
      if (entry.isDirectory) found.push(...await readSources(path));
      else if (/\.tsx?$/.test(path)) found.push(await readSource(path));
    }
  }
  return found;
}

async function readSource(path: string): Promise<SourceFile> {
  return { path, lines: (await Deno.readTextFile(new URL(path, repository))).split("\n") };
}

/** Every line that `pattern` matches, as `path:line text`. */
function linesWith(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])
  );
}

function isComment(line: string): boolean {
  return /^\s*(\/\/|\/?\*)/.test(line);
}

function withoutComments({ path, lines }: SourceFile): SourceFile {
  return { path, lines: lines.map((line) => isComment(line) ? "" : line) };
}

const product = (await readSources("src", "plugins", "console")).map(withoutComments);

Deno.test("src/lib uses web standards only", () => {
  assert.deepEqual(linesWith(product.filter((file) => file.path.startsWith("src/lib/")), /\bDeno\b/), []);
});

Deno.test("src/core does no I/O", () => {
  assert.deepEqual(
    linesWith(product.filter((file) => file.path.startsWith("src/core/")), /(?<!")\bDeno\.[a-z]|\bfetch\(/),
    [],
  );
});

Deno.test("nothing is exported by default", () => {
  assert.deepEqual(linesWith(product, /^export default\b/), []);
});

Deno.test("only src/mod.ts passes on what others export", () => {
  const others = product.filter((file) => file.path !== "src/mod.ts");
  assert.deepEqual(linesWith(others, /^export (type )?[{*].* from "/), []);
});

Deno.test("no module holds state", () => {
  assert.deepEqual(linesWith(product, /^(export )?(let|var) |^(export )?const \w+ = new (Weak)?(Map|Set)\(\);/), []);
});

Deno.test("AppError is the only class", () => {
  const others = product.filter((file) => file.path !== "src/core/error.ts");
  assert.deepEqual(linesWith(others, /^\s*(export )?(abstract )?class \w/), []);
});

Deno.test("packages come through the import map", () => {
  assert.deepEqual(
    linesWith(product, /["'](npm|jsr|https?):[^"']*["'](;|\))\s*$/).filter((line) => / from |import\(/.test(line)),
    [],
  );
});

Deno.test("every export says what it means", async () => {
  const undocumented = (await readSources("src", "plugins")).flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      /^export (async )?(function|const|interface|type|class)\b/.test(line) && !documented(lines, index)
        ? [`${path}:${index + 1} ${line}`]
        : []
    )
  );
  assert.deepEqual(undocumented, []);
});

/** Whether a doc comment ends right above; an overload shares the comment of its first signature. */
function documented(lines: readonly string[], index: number): boolean {
  const above = lines[index - 1] ?? "";
  if (above.startsWith("export function") && above.endsWith(";")) return documented(lines, index - 1);
  return /\*\/\s*$/.test(above) || /^\/\/ deno-lint-ignore/.test(above) && documented(lines, index - 1);
}

Deno.test("nothing is left for later", async () => {
  const marker = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X"].join("|")})\\b`);
  assert.deepEqual(linesWith(await readSources("src", "plugins", "tests", "scripts"), marker), []);
});

Deno.test("every metric of the table is recorded somewhere", () => {
  const text = product.filter((file) => file.path !== "src/core/metrics.ts").flatMap((file) => file.lines).join("\n");
  assert.deepEqual(Object.keys(metricTable).filter((name) => !text.includes(`"${name}"`)), []);
});

Deno.test("what is exported is used by another file", async () => {
  const users = [
    ...product,
    ...(await readSources("scripts", "tests")).map(withoutComments),
    await readSource("main.ts"),
  ];
  const files = users.map(({ path, lines }) => ({ path, names: countNames(lines) }));
  const idle = product
    // For authors, and for clients of the API.
    .filter(({ path }) => !/^(console\/|src\/(mod|sdk\/extension|http\/\w+_api)\.ts$)/.test(path))
    .flatMap(({ path, lines }) => {
      const own = countNames(lines);
      return lines.flatMap((line) => {
        const [, kind, name] = /^export (?:async )?(function|const|interface|type) (\w+)/.exec(line) ?? [];
        if (kind === undefined || name === undefined) return [];
        if (files.some((file) => file.path !== path && file.names.has(name))) return [];
        // A type may stand in the face of something that is used.
        const isFace = (kind === "interface" || kind === "type") && (own.get(name) ?? 0) > 1;
        return isFace ? [] : [`${path}: ${name}`];
      });
    });
  assert.deepEqual(idle, []);
});

function countNames(lines: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [name] of lines.join("\n").matchAll(/[A-Za-z_]\w*/g)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
