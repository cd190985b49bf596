import assert from "node:assert/strict";
import type { Command, RouteMap } from "@stricli/core";
import { runCli } from "../../src/cli/cli.ts";
import { newRoutes } from "../../src/cli/commands.ts";
import type { CliContext } from "../../src/cli/context.ts";
import { serviceRoutes, setupRoutes } from "../../src/setup/routes.ts";

const more = { setup: setupRoutes, service: serviceRoutes };

/** Every command by its words. */
function listCommands(
  target: Command<CliContext> | RouteMap<CliContext>,
  words: readonly string[],
): readonly (readonly [readonly string[], Command<CliContext>])[] {
  if (!("getAllEntries" in target)) return [[words, target]];
  return target.getAllEntries().flatMap((entry) =>
    listCommands(entry.target, [...words, entry.name["convert-camel-to-kebab"]])
  );
}

const commands = listCommands(newRoutes(more), []);

/** The lines below a title of a command's help. */
function readSection({ fullDescription = "" }: Command<CliContext>, title: string): readonly string[] {
  const [, text = ""] = new RegExp(`\\n${title}\\n((?: {2}.*(?:\\n|$))+)`).exec(fullDescription) ?? [];
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/** Words of the part of a shell line that runs this program. */
function toWords(line: string): readonly string[] | undefined {
  const [, rest] = /(?:^|[|;&] *|sudo |[A-Z_]+=\S+ |\$\()agent (.*)$/.exec(line) ?? [];
  if (rest === undefined) return undefined;
  const words = [...rest.matchAll(/'([^']*)'|"([^"]*)"|([^\s'")]+)/g)].map(([, one, other, bare]) =>
    one ?? other ?? bare ?? ""
  );
  const end = words.findIndex((word) => /^[|>;&<#]/.test(word));
  return end < 0 ? words : words.slice(0, end);
}

Deno.test("every command says what it does, in one line and at length, with examples and exit codes", () => {
  assert.ok(commands.length > 60);
  for (const [words, command] of commands) {
    const name = `agent ${words.join(" ")}`;
    assert.match(command.brief, /^[A-Z].{7,70}[^.]$/, name);
    assert.ok((command.fullDescription ?? "").split("\n")[0]?.endsWith("."), `${name}: the description is a sentence`);
    assert.ok(readSection(command, "EXAMPLES").length > 0, `${name} has no example`);
    for (const code of readSection(command, "EXIT CODES")) assert.match(code, /^\d+ \S/, name);
    assert.ok(readSection(command, "EXIT CODES").length > 0, `${name} has no exit codes`);
    for (const [flag, { brief }] of Object.entries(command.parameters.flags ?? {})) {
      assert.match(brief, /^.{4,}$/, `${name} --${flag}`);
    }
  }
});

Deno.test("every example is one of its command, and is understood", async () => {
  // What a command does is of no interest here, only whether its line is understood.
  for (const [, command] of commands) Object.assign(command, { loader: () => Promise.resolve(() => {}) });
  for (const [path, command] of commands) {
    const examples = readSection(command, "EXAMPLES").map((line) => [line, toWords(line)] as const);
    const own = examples.filter(([, words]) =>
      words !== undefined && path.every((word, index) => words[index] === word)
    );
    const isDefault = path.at(-1) === "wizard";
    assert.ok(own.length > 0 || isDefault, `agent ${path.join(" ")}: ${examples.map(([line]) => line).join("; ")}`);
    for (const [line, words = []] of examples) {
      let complaint = "";
      const terminal = {
        env: {},
        interactive: false,
        color: false,
        print: () => {},
        complain: (text: string) => complaint += text,
        lines: async function* () {},
      };
      assert.equal(await runCli(words, terminal, more), 0, `${line}: ${complaint}`);
    }
  }
});
