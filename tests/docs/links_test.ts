import assert from "node:assert/strict";
import { z } from "zod";
import { runCli } from "../../src/cli/cli.ts";
import { metricTable } from "../../src/core/metrics.ts";
import { serviceRoutes, setupRoutes } from "../../src/setup/routes.ts";
import { type Page, readPages, repository, withoutBlocks } from "./pages.ts";

const pages = await readPages();

/** What the first group of `pattern` holds wherever it matches in `text`. */
function allOf(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, group]) => group === undefined ? [] : [group]);
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
    for (const link of allOf(withoutBlocks(page.text), /(?:\]\(|(?:src|href)=")([^)"\s]+)[)"]/g)) {
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
    allOf(withoutBlocks(text), /`(?:deno task )?agent ((?:[a-z-]+)(?: [a-z]+)?)/g)
      .filter((command) => {
        const [name = "", below = ""] = command.split(" ");
        const known = name === "help" ? [] : commands.get(name);
        return known === undefined || known.length > 0 && below !== "" && !known.includes(below);
      })
      .map((command) => `${path}: agent ${command}`)
  );
  assert.deepEqual(unknown, []);
});

Deno.test("every metric that the docs name is one", () => {
  const unknown = pages.flatMap(({ path, text }) =>
    allOf(text, /`(nexo_[a-z_]+)/g).filter((name) => !Object.hasOwn(metricTable, name)).map((name) =>
      `${path}: ${name}`
    )
  );
  assert.deepEqual(unknown, []);
});

async function readSources(folder: URL): Promise<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const texts = entries.map(({ name, isDirectory }) => {
    if (isDirectory) return readSources(new URL(`${name}/`, folder));
    return /\.(ts|sh)$/.test(name) ? Deno.readTextFile(new URL(name, folder)) : "";
  });
  return (await Promise.all(texts)).join("\n");
}

Deno.test("every variable and every event of the log that the docs name is in the sources", async () => {
  const folders = ["src/", "plugins/", "scripts/compile/"].map((path) => readSources(new URL(path, repository)));
  const sources = (await Promise.all(folders)).join("\n");
  const unknown = pages.flatMap(({ path, text }) => {
    const events = path === "docs/operations.md" ? allOf(text, /^\| (`[a-z_]+\.[^|]*)\|/gm).join(" ") : "";
    return [...allOf(text, /\b(AGENT_[A-Z_]+)\b/g), ...allOf(events, /`([a-z_]+\.[a-z_]+)`/g)]
      .filter((name) => !sources.includes(name)).map((name) => `${path}: ${name}`);
  });
  assert.deepEqual(unknown, []);
});

Deno.test("the README names every command", async () => {
  const readme = pages.find(({ path }) => path === "README.md")?.text ?? "";
  const missing = [...(await readCommands()).keys()].filter((command) => !readme.includes(`\`agent ${command}`));
  assert.deepEqual(missing, []);
});

Deno.test("the page about the console pictures every page of it, and the keys that lead there", async () => {
  const page = pages.find(({ path }) => path === "docs/console.md")?.text ?? "";
  const world = await Deno.readTextFile(new URL("tests/fixtures/console_world.ts", repository));
  const wanted = allOf(world.slice(world.indexOf("async function listPages")), /^ {4}\["([a-z-]+)", /gm);
  assert.ok(wanted.length > 20);
  assert.deepEqual(allOf(page, /<img src="images\/console\/([a-z-]+)-light\.webp"/g), wanted);
  const app = await Deno.readTextFile(new URL("console/app.tsx", repository));
  const keys = [...app.matchAll(/\bkey: "(\w)",(?:\s+within: "\w+",)?\s+title: "([\w ]+)"/g)].map(([, key, title]) =>
    `${title} g ${key}`
  );
  assert.deepEqual(
    [...page.matchAll(/^\| \*\*([\w ]+)\*\* `(g \w)`/gm)].map(([, title, key]) => `${title} ${key}`),
    keys,
  );
});
