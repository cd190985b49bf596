import assert from "node:assert/strict";
import { z } from "zod";
import { runCli } from "../../src/cli/cli.ts";
import { plugins } from "../../src/app/registry.ts";
import { toOptions } from "../../src/config/options.ts";
import { toFileShapes } from "../../src/config/schemas.ts";
import { metricTable } from "../../src/core/metrics.ts";
import { parseDuration } from "../../src/lib/duration.ts";
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

Deno.test("the index names every page", () => {
  const index = pages.find(({ path }) => path === "docs/README.md")?.text ?? "";
  const missing = pages.filter(({ path }) => path.startsWith("docs/") && path !== "docs/README.md")
    .map(({ path }) => path.replace("docs/", "")).filter((name) => !index.includes(`](${name})`));
  assert.deepEqual(missing, []);
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

async function readAllSources(): Promise<string> {
  const folders = ["src/", "plugins/", "scripts/compile/"].map((path) => readSources(new URL(path, repository)));
  return (await Promise.all(folders)).join("\n");
}

Deno.test("every variable and every event of the log that the docs name is in the sources", async () => {
  const sources = await readAllSources();
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

Deno.test("the page about performance has every part of the bench, and no other", async () => {
  const page = pages.find(({ path }) => path === "docs/performance.md")?.text ?? "";
  const bench = await Deno.readTextFile(new URL("scripts/bench.ts", repository));
  const parts = allOf(bench, /^ {2}(\w+): measure\w+,$/gm);
  assert.ok(parts.length > 10);
  assert.deepEqual([...new Set(allOf(page, /^\| `(\w+)` +\| \w/gm))], parts);
  const named = allOf(pages.map(({ text }) => text).join("\n"), /deno task bench --only ([\w,]+)/g);
  assert.deepEqual(named.flatMap((names) => names.split(",")).filter((name) => !parts.includes(name)), []);
});

/** First words of dotted names that are no options: subjects, accounts, leases, fields of the code. */
const noOptions = /^(?:plugin|agents?|telegram|host)\./;
/** Settings of other programs: Prometheus, Docker. */
const ofOthers: readonly string[] = ["exported_instance", "security_opt"];

Deno.test("every option that the docs name in prose is one", async () => {
  const sources = await readAllSources();
  const paths = [...toFileShapes(plugins).values()].flatMap((shape) => toOptions(shape).map(({ path }) => path))
    .map((path) => path.replaceAll(/\[\]|\.<name>/g, ""));
  // An option is named from anywhere above it: `retention.finished` of runtime.yaml, `config.mode` of an agent.
  const known = new Set(paths.flatMap((path) => path.split(".").map((_, at, all) => all.slice(at).join("."))));
  const tops = new Set([...known].map((path) => path.split(".")[0] ?? ""));
  const unknown = pages.flatMap(({ path, text }) => {
    const prose = withoutBlocks(text);
    const dotted = allOf(prose, /`([a-z][a-z_]+(?:\.[a-z_]+)+)`/g)
      .filter((name) => tops.has(name.split(".")[0] ?? "") && !noOptions.test(name) && !known.has(name))
      .filter((name) => !/\.(md|db|ts|yaml|json|toml|token)$/.test(name) && !sources.includes(`"${name}"`));
    const plain = allOf(prose, /`([a-z]+(?:_[a-z]+)+)(?:: [^`]*)?`/g)
      .filter((name) => !ofOthers.includes(name) && !new RegExp(`\\b${name}\\b`).test(sources));
    return [...dotted, ...plain].map((name) => `${path}: ${name}`);
  });
  assert.deepEqual(unknown, []);
});

const units: Readonly<Record<string, number>> = {
  "": 1,
  s: 1_000,
  h: 3_600_000,
  minutes: 60_000,
  days: 86_400_000,
  MB: 1_000_000,
};

/** A default as a number: milliseconds where it is a duration. */
function toNumber(fallback: unknown): number | undefined {
  return typeof fallback === "string" ? parseDuration(fallback) : typeof fallback === "number" ? fallback : undefined;
}

Deno.test("a default that the docs tell behind an option's name is the default", () => {
  const options = [...toFileShapes(plugins).values()].flatMap((shape) => toOptions(shape));
  let count = 0;
  const wrong = pages.flatMap(({ path, text }) =>
    [...withoutBlocks(text).matchAll(/`([a-z_.]+)`\s\(([\d,.]+) ?(s|h|minutes|days|MB)?(?=[;,)])/g)].flatMap(
      ([said, name = "", digits = "", unit = ""]) => {
        const named = options.filter(({ path }) => `.${path}`.endsWith(`.${name}`));
        if (named.length === 0) return [];
        count++;
        const value = Number(digits.replaceAll(",", "")) * (units[unit] ?? NaN);
        return named.some((option) => toNumber(option.default) === value) ? [] : [`${path}: ${said})`];
      },
    )
  );
  assert.deepEqual(wrong, []);
  assert.ok(count > 12, String(count));
});

Deno.test("the plugin guide lists what every channel is tested for", async () => {
  const guide = pages.find(({ path }) => path === "docs/plugins.md")?.text ?? "";
  const listed = allOf(guide.slice(guide.indexOf("\n## Contract tests\n")), /^- (.+)$/gm).map((fact) =>
    fact.replaceAll("`", "")
  );
  const contract = await Deno.readTextFile(new URL("tests/channel_contract.ts", repository));
  const facts = allOf(contract, /(?:[fF]act\(|for \(const \[.*\n)\s*["`](.+?)["`],/g);
  assert.ok(facts.length > 12);
  assert.deepEqual(facts.filter((fact) => !fact.includes("${") && !listed.some((line) => line.startsWith(fact))), []);
});

Deno.test("every flag that the docs name in prose is one of a command, a task, or of Deno as we start it", async () => {
  const folders = ["src/cli/", "src/setup/", "scripts/"].map((path) => readSources(new URL(path, repository)));
  const others = ["deno.json", "CONTRIBUTING.md"].map((path) => Deno.readTextFile(new URL(path, repository)));
  const texts = (await Promise.all([...folders, ...others])).join("\n");
  const unknown = pages.flatMap(({ path, text }) =>
    allOf(withoutBlocks(text), /`([^`\n]*--[a-z][^`\n]*)`/g)
      .flatMap((code) => allOf(code, /(?:^|\s)(--[a-z][a-z-]+)/g))
      .filter((flag) => {
        const key = flag.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
        return !texts.includes(flag) && !new RegExp(`\\b${key}\\b`).test(texts);
      })
      .map((flag) => `${path}: ${flag}`)
  );
  assert.deepEqual(unknown, []);
});
