import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";

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
});

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
