import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

interface World extends AsyncDisposable {
  readonly data: string;
  /** `--config` and `--data`. */
  readonly place: readonly string[];
  start(): Promise<NexoProcess>;
  /** Folder of an agent's workspace. */
  folder(agent: string): string;
  /** What the model was asked last, as JSON. */
  lastRequest(): Promise<string>;
}

async function openWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const data = stack.use(await openTempDir()).path;
  const config = stack.use(await openTempDir()).path;
  const agent = (id: string) => ({
    id,
    model: { provider: "fake", model: "fake-1" },
    allowed_tools: ["workspace_*", "remember", "recall"],
    skills: ["refund", "sing"],
    config: { debounce_ms: 0 },
  });
  await writeConfig(config, {
    ...newTestConfig({ modelUrl: model.baseUrl, provider: { api_key: "key-of-the-fake-model" } }),
    "agents.yaml": { agents: [agent("ana"), agent("bob")] },
    "skills/refund/SKILL.md": "---\nname: refund\ndescription: Gives money back.\n---\nFirst ask why.",
    "skills/sing/SKILL.md": "---\nname: sing\ndescription: Sings.\nrequires: { bins: [no-such-singer] }\n---\nLa.",
  });
  const owned = stack.move();
  return {
    data,
    place: ["--config", config, "--data", data],
    start: () => startNexo({ config, dataDir: data }),
    folder: (id) => `${data}/agents/${id}/workspace`,
    lastRequest: async () => JSON.stringify((await model.requests()).at(-1)?.messages),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const call = (tool: string, input: unknown) => `tool:${tool} ${JSON.stringify(input)}`;

Deno.test("what an agent wrote stands in its next prompt, in its history, and is undone, running or stopped", async () => {
  await using world = await openWorld();
  const write = { path: "MEMORY.md", content: "Eva likes tea.\n", why: "Eva said so" };
  let first = "";
  {
    await using nexo = await world.start();
    const box = newBlackBox(nexo);
    assert.match(
      (await box.chat({ user: "eva", text: call("workspace_write", write) })).text,
      /Written: \w{10} .* ana: Eva said so/,
    );
    const log = await runAgent(["workspace", "log", "ana", ...world.place]);
    assert.equal(log.code, 0, log.stderr);
    assert.match(log.stdout, /ana +Eva said so +MEMORY\.md/);
    const [commit] = JSON.parse((await runAgent(["workspace", "log", "ana", "--json", ...world.place])).stdout).commits;
    first = commit.id;
    assert.match(commit.sessionId, /^ana\/api\//);
    assert.match(commit.turnId, /^[0-9a-f-]{36}$/);
    await Deno.writeTextFile(`${world.folder("ana")}/SOUL.md`, "You are kind.\n");
    const shown = await runAgent(["workspace", "show", "ana", ...world.place]);
    assert.match(shown.stdout, /operator[^]*Edited by hand: SOUL\.md[^]*\+You are kind\./);
    assert.equal((await runAgent(["workspace", "log", "nobody", ...world.place])).code, 4);
    assert.equal((await runAgent(["workspace", "revert", "ana", "0".repeat(40), ...world.place])).code, 4);
  }
  const stopped = await runAgent(["workspace", "diff", "ana", first, ...world.place]);
  assert.match(stopped.stdout, /\+You are kind\./, stopped.stderr);
  const undone = await runAgent(["workspace", "revert", "ana", first.slice(0, 10), ...world.place]);
  assert.equal(undone.code, 0, undone.stderr);
  assert.match(undone.stdout, new RegExp(`Undo ${first.slice(0, 8)}: Eva said so`));
  await using nexo = await world.start();
  await newBlackBox(nexo).chat({ user: "bo", text: "hello" });
  assert.match(await world.lastRequest(), /You are kind/);
  assert.doesNotMatch(await world.lastRequest(), /likes tea/);
  const again = await runAgent(["workspace", "revert", "ana", first, ...world.place]);
  assert.equal(again.code, 5, "what is gone cannot be undone again");
});

Deno.test("an agent that asks for another's files by any path, link or skill gets nothing", async () => {
  await using world = await openWorld();
  await using nexo = await world.start();
  const box = newBlackBox(nexo);
  const ask = async (tool: string, input: unknown) =>
    (await box.chat({ agent: "ana", user: "eva", text: call(tool, input) })).text;
  const secret = "the plum is hidden";
  const write = { path: "MEMORY.md", content: secret, why: "bob's own" };
  await box.chat({ agent: "bob", user: "eva", text: call("workspace_write", write) });
  await ask("workspace_write", { path: "own.md", content: "mine", why: "mine" });
  const [ana, bob] = [world.folder("ana"), world.folder("bob")];
  await Deno.symlink(bob, `${ana}/friend`);
  await Deno.symlink(`${bob}/MEMORY.md`, `${ana}/soft.md`);
  await Deno.link(`${bob}/MEMORY.md`, `${ana}/hard.md`);
  await Deno.mkdir(`${ana}/skills`);
  await Deno.symlink(bob, `${ana}/skills/refund`);
  const paths = [
    "../../bob/workspace/MEMORY.md",
    `${bob}/MEMORY.md`,
    "friend/MEMORY.md",
    "soft.md",
    "hard.md",
    "skills/refund/MEMORY.md",
    "./../../bob/workspace/MEMORY.md",
    "own.md/../../../bob/workspace/MEMORY.md",
    "..\\..\\bob\\workspace\\MEMORY.md",
    "%2e%2e/%2e%2e/bob/workspace/MEMORY.md",
    "．．/．．/bob/workspace/MEMORY.md",
    "‥/‥/bob/workspace/MEMORY.md",
    "FRIEND/MEMORY.md",
    "file:///../bob/workspace/MEMORY.md",
    ".git/config",
    ".GIT/config",
    "../../../ledger.db",
    "../memory.db",
    "/proc/self/environ",
    "",
  ];
  for (const path of paths) {
    for (const [tool, rest] of [["workspace_read", {}], ["workspace_diff", {}], ["workspace_history", {}]] as const) {
      assert.ok(!(await ask(tool, { path, ...rest })).includes("plum"), `${tool} ${path}`);
    }
    const text = await ask("workspace_write", { path, content: "overwritten", why: "evil" });
    if (!/Written/.test(text)) continue;
    assert.match(path, /^(%2e|．|‥|FRIEND)/, "only what is an ordinary name is written");
  }
  for (const name of ["../../bob/workspace", "refund/../../friend", "friend", bob, "refund\0"]) {
    assert.ok(!(await ask("open_skill", { name })).includes("plum"), name);
  }
  for (const file of ["MEMORY.md", "../MEMORY.md", `${bob}/MEMORY.md`, "../../soft.md"]) {
    assert.ok(!(await ask("open_skill", { name: "refund", file })).includes("plum"), file);
  }
  const all = [
    await ask("workspace_list", {}),
    await ask("workspace_history", {}),
    await ask("workspace_diff", { to: (await runGit(bob, "rev-parse", "HEAD")).trim() }),
  ].join("\n");
  assert.doesNotMatch(all, /plum|bob's own/);
  assert.doesNotMatch(all, /evil \((friend|soft|hard|skills|\.)/, "what was refused is not in the history either");
  assert.equal(await Deno.readTextFile(`${bob}/MEMORY.md`), secret);
  assert.equal((await runGit(bob, "rev-list", "--count", "HEAD")).trim(), "1");
  assert.equal((await runGit(ana, "log", "--all", "-S", "plum", "--format=%h")).trim(), "");
});

Deno.test("a key of the config comes into no commit", async () => {
  await using world = await openWorld();
  await using nexo = await world.start();
  const input = { path: "MEMORY.md", content: "one\nkey-of-the-fake-model\n", why: "to remember it" };
  const { text } = await newBlackBox(nexo).chat({ text: call("workspace_write", input) });
  assert.match(text, /Nothing was written: MEMORY\.md, line 2, looks like a secret of this runtime's own config/);
  const token = { ...input, content: nexo.token };
  assert.match((await newBlackBox(nexo).chat({ text: call("workspace_write", token) })).text, /Nothing was written/);
});

Deno.test("a process killed while agents write goes on with whole histories", async () => {
  await using world = await openWorld();
  for (let round = 0; round < 2; round++) {
    const nexo = await world.start();
    const box = newBlackBox(nexo);
    const writes = ["ana", "bob"].flatMap((agent) =>
      Array.from({ length: 5 }, (_, number) =>
        box.chat({
          agent,
          user: `u${round}${number}`,
          key: `${agent} ${round} ${number}`,
          text: call("workspace_write", {
            path: "notes/2026-11-22.md",
            content: `${round}.${number}\n`,
            mode: "append",
            why: `${round}.${number}`,
          }),
        }).catch(() => undefined))
    );
    await Promise.race(writes);
    nexo.kill("SIGKILL");
    await nexo[Symbol.asyncDispose]();
    await Promise.all(writes);
  }
  await using nexo = await world.start();
  await nexo.idle();
  for (const agent of ["ana", "bob"]) {
    const folder = world.folder(agent);
    await runGit(folder, "fsck", "--strict");
    assert.equal(await runGit(folder, "status", "--porcelain"), "");
    const lines = (await Deno.readTextFile(`${folder}/notes/2026-11-22.md`)).trim().split("\n");
    assert.equal(new Set(lines).size, lines.length, "no line was written twice");
    assert.deepEqual((await runGit(folder, "log", "--format=%s", "--reverse")).trim().split("\n"), lines);
  }
});

Deno.test("doctor says what is wrong, why it matters and what mends it", async () => {
  await using world = await openWorld();
  await Deno.mkdir(world.folder("ana"), { recursive: true });
  await Deno.writeTextFile(`${world.folder("ana")}/USER.md`, `token\nghp_${"a1B2".repeat(9)}\n`);
  const check = async () => {
    const found = await runAgent(["doctor", ...world.place]);
    assert.equal(found.code, 1, found.stderr);
    assert.match(found.stdout, /ok +config/);
    assert.match(
      found.stdout,
      /ana: The skill sing needs the program no-such-singer\n.*hidden.*\n +Mend it: install no-such-singer/,
    );
    assert.match(found.stdout, /ana: USER\.md line 2 looks like a GitHub token[^]*agent workspace log ana/);
    assert.match(found.stdout, /3 things to mend/);
  };
  await check();
  await using _nexo = await world.start();
  await check();
});

async function runGit(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("git", { args: ["-C", folder, ...args] }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
