import assert from "node:assert/strict";
import { buildApplication, type Command, type RouteMap, run, type StricliProcess } from "@stricli/core";
import { newRoutes } from "../../src/cli/commands.ts";
import type { CliContext } from "../../src/cli/context.ts";
import { serviceRoutes, setupRoutes } from "../../src/setup/routes.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { listBlocks, readPages } from "./pages.ts";

/** A command line of the docs. */
interface Line {
  readonly place: string;
  readonly text: string;
  /** The words of each program that it starts, redirections left out. */
  readonly programs: readonly (readonly string[])[];
}

/** The words of a command line as a shell has them, `|`, `&&` and `;` as words of their own. Comments are left out. */
function toWords(text: string): readonly string[] {
  const pattern = /\s+|(#.*$)|(&&|\|\||[|;])|((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'|;&\\]|&(?!&))+)/gym;
  return [...text.matchAll(pattern)].flatMap(([whole, comment, operator, word]) => {
    if (comment !== undefined || whole.trim() === "") return [];
    if (operator !== undefined) return [operator];
    return [
      (word ?? "").replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double, single, one) => double ?? single ?? one),
    ];
  });
}

function toPrograms(text: string): readonly (readonly string[])[] {
  const programs: string[][] = [[]];
  for (const word of toWords(text)) {
    if (["&&", "||", "|", ";"].includes(word)) programs.push([]);
    else programs.at(-1)?.push(word);
  }
  return programs.map((words) => {
    const end = words.findIndex((word) => /^\d?[<>]/.test(word));
    return end < 0 ? words : words.slice(0, end);
  });
}

async function listLines(): Promise<readonly Line[]> {
  const blocks = (await readPages()).flatMap(listBlocks);
  return blocks.flatMap(({ language, text, place }) => {
    if (language !== "sh" && language !== "text") return [];
    // A line goes on behind a backslash, and inside of quotes.
    const joined = text.replaceAll(/\\\n\s*/g, " ").replaceAll(/'[^']*'/g, (quoted) => quoted.replaceAll(/\s+/g, " "));
    const lines = joined.split("\n");
    // What a session shows begins with a prompt; the rest is what the program says.
    const typed = language === "sh" ? lines : lines.flatMap((line) => line.startsWith("$ ") ? [line.slice(2)] : []);
    return typed.filter((line) => line.trim() !== "" && !line.startsWith("#"))
      .map((line) => ({ place, text: line, programs: toPrograms(line) }));
  });
}

/** What of a program's words goes to `agent`; nothing where it is another program. */
function toAgentArgs(words: readonly string[]): readonly string[] | undefined {
  const bare = words.filter((word) => !/^[A-Z_]+=/.test(word)).join("\n");
  const heads: readonly (readonly [RegExp, string])[] = [
    [/^(?:sudo\n)?(?:\.\/)?agent(?:\n|$)/, ""],
    [/^(?:npx\n-y\ndeno@[\d.]+|deno)\ntask\nagent(?:\n|$)/, ""],
    [/^(?:npx\n-y\ndeno@[\d.]+|deno)\ntask\nstart(?:\n|$)/, "run"],
    [/^(?:npx\n-y\ndeno@[\d.]+|deno)\ntask\nsetup(?:\n|$)/, "setup"],
    [/^docker\ncompose\nrun\n--rm\n-T\nnexo\n/, ""],
  ];
  const head = heads.find(([pattern]) => pattern.test(bare));
  if (head === undefined) return undefined;
  const rest = bare.replace(head[0], "").split("\n").filter((word) => word !== "");
  return head[1] === "" ? rest : [head[1], ...rest];
}

/** The same commands, doing nothing. */
function withoutDeeds(routes: RouteMap<CliContext>): RouteMap<CliContext> {
  const still = (target: Command<CliContext> | RouteMap<CliContext>) =>
    "loader" in target ? { ...target, loader: () => Promise.resolve(() => {}) } : withoutDeeds(target);
  return {
    ...routes,
    getRoutingTargetForInput: (input) => {
      const target = routes.getRoutingTargetForInput(input);
      return target && still(target);
    },
    getDefaultCommand: () => {
      const command = routes.getDefaultCommand();
      return command && { ...command, loader: () => Promise.resolve(() => {}) };
    },
  };
}

const routes = withoutDeeds(newRoutes({ setup: setupRoutes, service: serviceRoutes }));
const application = buildApplication(routes, {
  name: "agent",
  scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
});

/** Why the command line does not take `args`; nothing where it does. */
async function findFault(args: readonly string[]): Promise<string | undefined> {
  let said = "";
  const stream = { write: (text: string) => void (said += text) };
  const process: StricliProcess = { stdout: stream, stderr: stream, env: {} };
  const terminal = {
    env: {},
    interactive: false,
    color: false,
    print: stream.write,
    complain: stream.write,
    async *lines() {},
  };
  await run(application, args[0] === "help" ? [...args.slice(1), "--help"] : args, { process, terminal });
  return process.exitCode === 0 ? undefined : said.trim();
}

const lines = await listLines();
const consolePages = new URL("../../console/pages/", import.meta.url);

Deno.test("every command of the docs is one that the command line takes, with these flags", async () => {
  const faults: string[] = [];
  let count = 0;
  for (const { place, text, programs } of lines) {
    for (const args of programs.map(toAgentArgs)) {
      if (args === undefined) continue;
      count++;
      const fault = await findFault(args);
      if (fault !== undefined) faults.push(`${place}: ${text.trim()}: ${fault}`);
    }
  }
  assert.ok(count > 60, String(count));
  assert.deepEqual(faults, []);
});

Deno.test("every command that the console names is one that the command line takes, with these flags", async () => {
  const faults: string[] = [];
  let count = 0;
  for await (const { name } of Deno.readDir(consolePages)) {
    const source = await Deno.readTextFile(new URL(name, consolePages));
    for (const [, one, other] of source.matchAll(/<code>\s*(agent [^<]*)<\/code>|command: [`"](agent [^`"]*)[`"]/g)) {
      const text = (one ?? other ?? "").replace("${plugin}", "whatsapp").replace(/\$?\{[^}]*\bid\}/g, "1").replace(
        /\$?\{[^}]*\}/g,
        "telegram.sales",
      )
        .trim();
      count++;
      const fault = await findFault(toWords(text).slice(1));
      if (fault !== undefined) faults.push(`${name}: ${text}: ${fault}`);
    }
  }
  assert.ok(count > 15, String(count));
  assert.deepEqual(faults, []);
});

Deno.test("every other program of the docs is one that a reader can have", () => {
  const known = new Set([
    ...["deno", "npx", "docker", "curl", "cat", "mkdir", "chmod", "tar", "openssl", "base64", "tail", "echo", "eval"],
    ...["source", "pass", "nats", "sqlite3", "jq", "prometheus", "promtool", "systemd-analyze", "cp", "mv", "ls"],
  ]);
  const others = lines.flatMap(({ place, programs }) =>
    programs.filter((words) => words.length > 0 && toAgentArgs(words) === undefined)
      .map((words) => words.find((word) => !/^[A-Z_]+=/.test(word)) ?? "")
      .filter((program) => !known.has(program))
      .map((program) => `${place}: ${program}`)
  );
  assert.deepEqual(others, []);
});

/** Commands that a test cannot run, and why. */
const notRun: readonly (readonly [RegExp, string])[] = [
  [/^run\b/, "runs until it is stopped; the process of this test is one"],
  [/^setup$/, "asks a person"],
  [/^setup (llm|telegram|email|nats)\b/, "tries what it is given"],
  [/^service (install|status|uninstall)(?!.*--print)/, "needs systemd"],
  [/^chat\b/, "talks"],
  [/^restore\b/, "needs a stopped process"],
  [/^backup .*(--encrypt|--passphrase-file|--recipient)/, "needs a passphrase, or a key of the reader's"],
  [/^doctor --live/, "asks the world"],
  [/^(mcp|dream ana$|logs -f|pair whatsapp)/, "needs servers, models, people"],
  [
    /^ext (run|doctor|enable|install|uninstall|disable|validate)/,
    "needs the extension; tests/extensions and e2e run them",
  ],
];

/** How a command may end that names things which are not there: 4 missing, 5 conflict. The doctor finds this machine wanting, and nobody is there to
 * say that a person shall be forgotten. */
const ends: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^doctor/, [0, 1]],
  [/^forget-person \S+$/, [2]],
  [/^(dlq (show|replay)|sessions (show|export)|memory (show|forget)|workspace (show|diff|revert|log)|pair|forget)/, [
    0,
    4,
    5,
  ]],
];

Deno.test("the commands of the docs that need nobody run for real, on a process of their own", async () => {
  await using folder = await openTempDir();
  const config = `${folder.path}/config`;
  await writeConfig(config, { "agents.yaml": { agents: [{ id: "ana", model: { provider: "demo", model: "demo" } }] } });
  await using nexo = await startNexo({ config, dataDir: `${folder.path}/data` });
  const env = { AGENT_CONFIG: config, AGENT_DATA: nexo.dataDir, NO_COLOR: "1" };
  const commands = new Set(
    lines.flatMap(({ programs }) => programs.map(toAgentArgs)).filter((args) => args !== undefined)
      .map((args) => args.filter((arg) => arg !== "--data" && arg !== "--config"))
      .map((args) => JSON.stringify(args.map((arg) => arg.replace(/^\/backups/, folder.path)))),
  );
  const wrong: string[] = [];
  for (const args of [...commands].map((text): string[] => JSON.parse(text))) {
    const text = args.join(" ");
    if (args.some((arg) => /^\/(etc|var)/.test(arg)) || notRun.some(([pattern]) => pattern.test(text))) continue;
    const { code, stderr } = await runAgent(args, { env, cwd: folder.path });
    const allowed = ends.find(([pattern]) => pattern.test(text))?.[1] ?? [0];
    if (!allowed.includes(code)) wrong.push(`agent ${text}: ${code} ${stderr}`);
  }
  assert.deepEqual(wrong, []);
});
