import assert from "node:assert/strict";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { listBlocks, readPages, repository } from "./pages.ts";

/** Parts of an object that the plugin guide shows by themselves, in what they stand in. */
const frames: readonly (readonly [RegExp, (text: string) => string])[] = [
  [
    /^tools: /,
    (text) => `import type { Plugin } from "nexo";\nexport const part: Pick<Plugin, "tools"> = {\n${text}};`,
  ],
  [
    /^tool: /,
    (text) =>
      `import type { Channel } from "nexo";
       declare function roomOf(input: unknown): string;
       declare function wordOf(input: unknown): string;
       export const part: Pick<Channel, "tool"> = {\n${text}};`,
  ],
];

function toModule(text: string): string {
  const whole = frames.find(([pattern]) => pattern.test(text))?.[1](text) ?? text;
  return whole.replaceAll('"nexo"', `"${new URL("src/mod.ts", repository)}"`)
    .replaceAll('"./src/', `"${new URL("src/", repository)}`);
}

Deno.test("the code of the docs type-checks under every strict option", async () => {
  await using folder = await openTempDir();
  const blocks = (await readPages()).flatMap(listBlocks)
    // The guide's files are checked where they belong, by its own test; a library of others is not at hand.
    .filter(({ language, text }) => language === "ts" && !/^\/\/ (plugins|src)\/|from "openai"/.test(text));
  assert.ok(blocks.length >= 4);
  const paths = blocks.map(({ place }) => `${folder.path}/${place.replaceAll(/\W/g, "_")}.ts`);
  await Promise.all(blocks.map(({ text }, index) => Deno.writeTextFile(paths[index] ?? "", toModule(text))));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--config", new URL("deno.json", repository).pathname, ...paths],
    cwd: repository.pathname,
    env: { NO_COLOR: "1" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});
