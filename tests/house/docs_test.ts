import assert from "node:assert/strict";
import { z } from "zod";
import { runCli } from "../../src/cli/cli.ts";
import { serviceRoutes, setupRoutes } from "../../src/setup/routes.ts";

const repository = new URL("../../", import.meta.url);

interface Page {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly url: URL;
  readonly text: string;
}

async function readPages(): Promise<readonly Page[]> {
  const paths = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
  for await (const { name } of Deno.readDir(new URL("docs", repository))) {
    if (name.endsWith(".md")) paths.push(`docs/${name}`);
  }
  return await Promise.all(paths.map(async (path) => {
    const url = new URL(path, repository);
    return { path, url, text: await Deno.readTextFile(url) };
  }));
}

const pages = await readPages();

/** What the first group of `pattern` holds wherever it matches in `text`. */
function allOf(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, group]) => group === undefined ? [] : [group]);
}

function withoutBlocks(text: string): string {
  return text.replace(/^ *```.*?^ *```$/gms, "");
}

function blocksOf(text: string): string {
  return (text.match(/^ *```.*?^ *```$/gms) ?? []).join("\n");
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** The anchors of a page's headings, as GitHub makes them. */
function toAnchors(text: string): readonly string[] {
  return allOf(withoutBlocks(text), /^#+ (.+)$/gm).map((heading) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

async function isBroken(page: Page, link: string): Promise<boolean> {
  const url = new URL(link, page.url);
  const target = pages.find(({ url: { pathname } }) => pathname === url.pathname);
  if (target === undefined) return !await exists(new URL(url.pathname, url));
  return url.hash !== "" && !toAnchors(target.text).includes(url.hash.slice(1));
}

Deno.test("every relative link of the docs leads to a file, and to a heading in it", async () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const link of allOf(withoutBlocks(page.text), /\]\(([^)\s]+)\)/g)) {
      if (!/^[a-z]+:/.test(link) && await isBroken(page, link)) broken.push(`${page.path}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

Deno.test("every path of the repository that the docs name exists", async () => {
  const missing: string[] = [];
  for (const { path, text } of pages) {
    for (const named of allOf(withoutBlocks(text), /`((?:src|plugins|scripts|tests|config)\/[^`\s]*)`/g)) {
      const isPattern = /[<*]|[A-Z]{2}/.test(named);
      if (!isPattern && !await exists(new URL(named, repository))) missing.push(`${path}: ${named}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("every task that the docs name is one", async () => {
  const { tasks } = z.object({ tasks: z.record(z.string(), z.unknown()) }).parse(
    JSON.parse(await Deno.readTextFile(new URL("deno.json", repository))),
  );
  const unknown = pages.flatMap(({ path, text }) =>
    allOf(text, /\bdeno(?:@[\d.]+)? task ([a-z][a-z:]*)/g)
      .filter((task) => !Object.hasOwn(tasks, task))
      .map((task) => `${path}: ${task}`)
  );
  assert.deepEqual(unknown, []);
});

/** The commands of `agent`, each with the names of those below it, as its help has them. */
async function readCommands(): Promise<ReadonlyMap<string, readonly string[]>> {
  let help = "";
  const code = await runCli(["--help"], {
    env: {},
    interactive: false,
    color: false,
    print: (text) => void (help += text),
    complain: (text) => assert.fail(text),
    async *lines() {},
  }, { setup: setupRoutes, service: serviceRoutes });
  assert.equal(code, 0);
  const usages = [...help.matchAll(/^ {2}agent ([a-z-]+)(?: ([a-z|]+))? /gm)];
  return new Map(usages.map(([, name = "", below]) => [name, below === undefined ? [] : below.split("|")]));
}

Deno.test("every command that the docs name is one", async () => {
  const commands = await readCommands();
  assert.ok(commands.size > 5);
  const unknown = pages.flatMap(({ path, text }) =>
    [
      ...allOf(text, /(?:`|deno task )agent ([a-z-]+(?: [a-z]+)?)/g),
      // In prose the word may come first in a line.
      ...allOf(blocksOf(text), /^ *\$? ?agent ([a-z-]+(?: [a-z]+)?)/gm),
    ]
      .filter((command) => {
        const [name = "", below = ""] = command.split(" ");
        const known = commands.get(name);
        return known === undefined || known.length > 0 && below !== "" && !known.includes(below);
      })
      .map((command) => `${path}: agent ${command}`)
  );
  assert.deepEqual(unknown, []);
});
