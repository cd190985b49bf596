import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { plugins } from "../../src/app/registry.ts";
import { configFiles } from "../../src/config/files.ts";
import { type Block, listBlocks, readPages } from "./pages.ts";

const blocks = (await readPages()).flatMap(listBlocks);

/** Schemas of files by the keys at their top. */
const schemas: readonly z.ZodType[] = [
  ...Object.values(configFiles),
  ...plugins.map(({ id, config }) => {
    const instance = z.preprocess((value) => {
      const settings = z.record(z.string(), z.unknown()).safeParse(value);
      const { instance: _, ...own } = settings.data ?? {};
      return settings.success ? own : value;
    }, config);
    return z.strictObject({ [id]: z.union([z.array(instance), instance]) });
  }),
];

/** What a snippet is: a whole file, some agents, or some settings of one. */
function toFiles(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return [{ agents: value }];
  return [value, { agents: [{ id: "ana", ...z.record(z.string(), z.unknown()).parse(value) }] }];
}

/** Why no file of the config may hold it; nothing where one may. */
function findFaults({ place, text }: Block): readonly string[] {
  const files = toFiles(parse(text));
  const results = files.flatMap((file) => schemas.map((schema) => schema.safeParse(file)));
  if (results.some(({ success }) => success)) return [];
  const nearest = results.map(({ error }) => error?.issues ?? []).filter((issues) =>
    !issues.some(({ code, path }) => code === "unrecognized_keys" && path.length === 0)
  ).flat();
  return [
    `${place}: ${
      nearest.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") || "no file has these keys"
    }`,
  ];
}

Deno.test("every YAML snippet of the docs is one that the config takes", () => {
  // Those of another program, and of the plugin that the guide makes: its own test starts with it.
  const others = /^# (prometheus\.yml|config\/plugins\/parrot\.yaml)\n/;
  const own = blocks.filter(({ language, text }) => language === "yaml" && !others.test(text));
  assert.ok(own.length > 20);
  assert.deepEqual(own.flatMap(findFaults), []);
});

Deno.test("every JSON block of the docs is JSON", () => {
  for (const { language, text, place } of blocks) {
    if (language === "json") assert.doesNotThrow(() => JSON.parse(text), place);
  }
});
