import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openTempDir, writeConfig } from "../fixtures/nexo_process.ts";
import { openPty } from "../fixtures/pty.ts";

/** What bash offers for a line that ends where the cursor is. */
async function complete(script: string, line: string): Promise<readonly string[]> {
  const words = line.split(" ");
  const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _agent;` +
    ' printf "%s\\n" "${COMPREPLY[@]}"';
  const { code, stdout, stderr } = await new Deno.Command("bash", { args: ["-c", `${script}\n${ask}`] }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout).split("\n").filter((word) => word !== "");
}

Deno.test("bash completes commands, what is below them, and flags", async () => {
  const { code, stdout } = await runAgent(["completions", "bash"]);
  assert.equal(code, 0);
  assert.deepEqual(await complete(stdout, "agent do"), ["doctor"]);
  assert.deepEqual(await complete(stdout, "agent forget"), ["forget-person"]);
  assert.deepEqual(await complete(stdout, "agent setup te"), ["telegram"]);
  assert.deepEqual(await complete(stdout, "agent service "), ["install", "status", "uninstall", "--help"]);
  assert.deepEqual(await complete(stdout, "agent setup telegram --token"), ["--token-file"]);
  assert.deepEqual(await complete(stdout, "agent dlq replay --dry"), ["--dry-run"]);
  assert.ok((await complete(stdout, "agent run --config ./ma")).includes("./main.ts"));
  assert.deepEqual(await complete(stdout, "agent logs --level "), ["debug", "info", "warn", "error"]);
  assert.deepEqual(await complete(stdout, "agent setup llm --model "), [], "no flag stands where a value must");
  assert.deepEqual(await complete(stdout, "agent completions z"), ["zsh"]);
});

Deno.test("bash completes agents as the config names them, in whatever style", async () => {
  await using folder = await openTempDir();
  await writeConfig(folder.path, {
    "agents.yaml":
      '# - id: no\nagents:\n  - id: ana # x\n  - { id: "ben", model: auto }\n  -\n    model: auto\n    id: cleo\n',
    "agents.d/more.yaml": "agents:\n- id: dora\n",
    "agents.d/more.example.yaml": "agents:\n- id: nobody\n",
  });
  const { stdout } = await runAgent(["completions", "bash"]);
  const script = `export AGENT_CONFIG=${folder.path}\n${stdout}`;
  const agents = ["ana", "ben", "cleo", "dora"];
  assert.deepEqual((await complete(script, "agent setup telegram --agent ")).toSorted(), agents);
  assert.deepEqual((await complete(script, "agent chat ")).slice(0, 4).toSorted(), agents);
  assert.deepEqual(await complete(script, "agent workspace log c"), ["cleo"]);
});

/** How each shell is started without anybody's own settings, and reads the script. */
const realShells = {
  bash: { program: ["bash", "--norc", "--noprofile", "-i"], begin: (path: string) => `source ${path}` },
  zsh: {
    program: ["zsh", "-f", "-i"],
    begin: (path: string) => `autoload -U compinit; compinit -D -u; source ${path}`,
  },
  fish: { program: ["fish", "--no-config", "-i"], begin: (path: string) => `source ${path}` },
} as const;

/** What is typed, and the words that the program is given then. */
const typed = [
  ["agent doc\t\r", "doctor"],
  ["agent setup teleg\t\r", "setup telegram"],
  ["agent setup telegram --token-f\t\r", "setup telegram --token-file"],
  ["agent forget-p\t\r", "forget-person"],
  ["agent dlq rep\t--dry\t\r", "dlq replay --dry-run"],
  ["agent run --config ./conf\t\r", "run --config ./config.d"],
  ["agent restore ./back\t\r", "restore ./backup.nexo"],
  ["agent logs --level war\t\r", "logs --level warn"],
  ["agent setup telegram --agent an\t\r", "setup telegram --agent ana"],
  ["agent chat be\t\r", "chat ben"],
] as const;

for (const [shell, { program, begin }] of Object.entries(realShells)) {
  Deno.test(`${shell} itself completes what is typed`, async () => {
    await using folder = await openTempDir();
    const script = `${folder.path}/completions`;
    await Deno.writeTextFile(script, (await runAgent(["completions", shell])).stdout);
    await Deno.mkdir(`${folder.path}/bin`);
    await Deno.writeTextFile(`${folder.path}/bin/agent`, '#!/bin/sh\necho "given<$*>"\n', { mode: 0o755 });
    await Deno.mkdir(`${folder.path}/config.d`);
    await writeConfig(`${folder.path}/agents`, { "agents.yaml": "agents: [\n  { id: ana },\n  { id: ben }\n]\n" });
    await Deno.writeTextFile(`${folder.path}/backup.nexo`, "");
    const env = {
      HOME: folder.path,
      PATH: `${folder.path}/bin:${Deno.env.get("PATH")}`,
      TERM: "xterm",
      AGENT_CONFIG: "agents",
    };
    await using terminal = openPty(program, env);
    await terminal.type(`cd ${folder.path}; ${begin(script)}; echo rea''dy\r`);
    await terminal.see(/ready/);
    for (const [keys, words] of typed) {
      await terminal.type(keys);
      const [, given] = /given<(.*?)\/? ?>/.exec(await terminal.see(/given<.*?>/)) ?? [];
      assert.equal(given, words);
    }
    await terminal.type("exit\r");
    await terminal.code;
  });
}

Deno.test("the scripts for zsh and fish name every command", async () => {
  const bash = (await runAgent(["completions", "bash"])).stdout;
  const paths = [...bash.matchAll(/^ {4}'( [a-z -]+)'\) words/gm)].map(([, path = ""]) => path.trim());
  assert.ok(paths.length > 40, paths.join());
  const [zsh, fish] = [await runAgent(["completions", "zsh"]), await runAgent(["completions", "fish"])];
  assert.deepEqual([zsh.code, fish.code], [0, 0]);
  for (const path of paths) {
    assert.ok(zsh.stdout.includes(`' ${path}') choices=(`), path);
    assert.ok(fish.stdout.includes(`'${path}'`), path);
  }
  assert.equal((await runAgent(["completions", "tcsh"])).code, 2);
});
