import assert from "node:assert/strict";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startFlags, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

/** A folder with a config whose key stands in the file, and an agent that may remember. */
async function openPlace() {
  const folder = await openTempDir();
  const model = openFakeModel();
  const configDir = `${folder.path}/config`;
  await writeConfig(configDir, {
    ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["remember"] } }),
    "llm.yaml": {
      providers: { fake: { kind: "openai_compatible", base_url: model.baseUrl, api_key: "sk-not-for-others" } },
    },
  });
  await model.setRules([{
    when: "note this",
    act: "call",
    tool: "remember",
    toolArguments: JSON.stringify({ text: "The gate is green" }),
    times: 1,
  }]);
  return {
    path: folder.path,
    configDir,
    dataDir: `${folder.path}/data`,
    async [Symbol.asyncDispose]() {
      await model[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const texts = async (dataDir: string) => {
  const { stdout } = await runAgent(["sessions", "export", "ana/api/ana/u", "--format", "jsonl", "--data", dataDir]);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line).text);
};

async function listNames(folder: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("a backup of a busy process holds everything of one moment, and is whole after a restore", async () => {
  await using place = await openPlace();
  const { dataDir, configDir, path } = place;
  await Deno.mkdir(`${dataDir}/agents/ana/workspace/.git/objects/ab`, { recursive: true });
  await Deno.writeTextFile(`${dataDir}/agents/ana/workspace/USER.md`, "Eva");
  await Deno.writeTextFile(`${dataDir}/agents/ana/workspace/.git/objects/ab/cdef`, "object");
  const credentials = ["plugins/whatsapp/main/auth.db", "plugins/email/main/refresh_token.json", "mcp/wiki.login.json"];
  for (const name of credentials) {
    await Deno.mkdir(dirname(`${dataDir}/${name}`), { recursive: true });
    await Deno.writeTextFile(`${dataDir}/${name}`, "credentials");
  }
  await Deno.symlink("/etc/passwd", `${dataDir}/agents/ana/workspace/link`);
  const flags = ["--data", dataDir, "--config", configDir];
  const archive = `${path}/all.tar.gz`;
  await Deno.writeTextFile(`${path}/passphrase`, "plum tree\n");
  {
    await using nexo = await startNexo({ config: configDir, dataDir });
    const box = newBlackBox(nexo);
    await box.chat({ user: "u", text: "note this" });
    let isOver = false;
    let said = 0;
    const talking = (async () => {
      while (!isOver) await box.chat({ user: "u", text: `message ${++said}` });
    })();
    const { code, stdout, stderr } = await runAgent(["backup", archive, "--json", ...flags]);
    const sealed = await runAgent(["backup", `${archive}.age`, "--passphrase-file", `${path}/passphrase`, ...flags]);
    isOver = true;
    await talking;
    assert.equal(code, 0, stderr);
    assert.equal(sealed.code, 0, sealed.stderr);
    const { leftOut } = JSON.parse(stdout);
    assert.deepEqual(
      leftOut.sort(),
      [
        "agents/ana/workspace/link: it is no plain file",
        "config/llm.yaml providers.fake.api_key: it is a secret",
        ...credentials.map((name) => `${name}: it gives access to an account, and the archive is not encrypted`),
      ].sort(),
    );
  }
  assert.equal(((await Deno.stat(archive)).mode ?? 0) & 0o777, 0o600);
  const left = await listNames(path);
  assert.deepEqual(left, ["all.tar.gz", "all.tar.gz.age", "config", "data", "passphrase"]);

  const target = ["--data", `${path}/data2`, "--config", `${path}/config2`];
  const restored = await runAgent(["restore", archive, ...target]);
  assert.equal(restored.code, 0, restored.stderr);
  const before = await texts(dataDir);
  const after = await texts(`${path}/data2`);
  assert.ok(after.length > 0 && after.length <= before.length);
  assert.deepEqual(after, before.slice(0, after.length), "a transcript of one moment");
  const read = (name: string) => Deno.readTextFile(`${path}/data2/agents/ana/workspace/${name}`);
  assert.deepEqual([await read("USER.md"), await read(".git/objects/ab/cdef")], ["Eva", "object"]);
  using memory = new DatabaseSync(`${path}/data2/agents/ana/memory.db`, { readOnly: true });
  assert.match(JSON.stringify(memory.prepare("SELECT text FROM facts").all()), /The gate is green/);
  const config = await Deno.readTextFile(`${path}/config2/llm.yaml`);
  assert.ok(!config.includes("sk-not-for-others") && config.includes("PROVIDERS_FAKE_API_KEY"));
  {
    await using again = await startNexo({
      config: `${path}/config2`,
      dataDir: `${path}/data2`,
      env: { PROVIDERS_FAKE_API_KEY: "sk-not-for-others" },
    });
    assert.equal((await newBlackBox(again).chat({ user: "u", text: "and now" })).status, 200);
    const held = await runAgent(["restore", archive, "--force", ...target]);
    assert.deepEqual([held.code, held.stdout], [5, ""], "a process runs there");
  }

  const opened = ["--data", `${path}/data3`, "--config", `${path}/config3`];
  assert.equal((await runAgent(["restore", `${archive}.age`, ...opened])).code, 2, "nobody can be asked");
  const key = ["--passphrase-file", `${path}/passphrase`];
  assert.equal((await runAgent(["restore", `${archive}.age`, ...key, ...opened])).code, 0);
  for (const name of credentials) assert.equal(await Deno.readTextFile(`${path}/data3/${name}`), "credentials");
  const full = await runAgent(["restore", archive, ...opened]);
  assert.deepEqual([full.code, full.stdout], [5, ""]);
  assert.match(full.stderr, /is not empty/);
  await Deno.writeTextFile(`${path}/data3/own`, "mine");
  assert.equal((await runAgent(["restore", archive, "--force", ...opened])).code, 0);
  assert.deepEqual(
    (await listNames(`${path}/data3`)).filter((name) => name === "own"),
    [],
  );
});

Deno.test("kill -9 during backup and restore leaves no half of either", async () => {
  await using place = await openPlace();
  const { dataDir, configDir, path } = place;
  {
    await using nexo = await startNexo({ config: configDir, dataDir });
    await newBlackBox(nexo).chat({ user: "u", text: "hello" });
  }
  for (let index = 0; index < 40; index++) {
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    await Deno.mkdir(`${dataDir}/agents/ana/workspace`, { recursive: true });
    await Deno.writeFile(`${dataDir}/agents/ana/workspace/${index}`, noise);
  }
  const archive = `${path}/all.tar.gz`;
  const flags = ["--data", dataDir, "--config", configDir];
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const args = await startFlags();
  const killAfter = async (ms: number, command: readonly string[]) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args, main, ...command],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), ms);
    const { signal } = await child.status;
    clearTimeout(timer);
    return signal === "SIGKILL";
  };
  const exists = (file: string) => Deno.stat(file).then(() => true, () => false);

  let killed = 0;
  for (let ms = 150; ms < 1_200; ms += 170) {
    await Deno.remove(archive).catch(() => {});
    if (await killAfter(ms, ["backup", archive, ...flags])) killed++;
    // What has the name of the backup is one.
    if (!await exists(archive)) continue;
    const { code, stderr } = await runAgent([
      "restore",
      archive,
      "--force",
      "--data",
      `${path}/probe`,
      "--config",
      configDir,
    ]);
    assert.equal(code, 0, stderr);
  }
  assert.ok(killed > 0);
  assert.equal((await runAgent(["backup", archive, ...flags])).code, 0);
  const left = (await listNames(path)).filter((name) => /partial|copies/.test(name));
  assert.deepEqual(left, [], "the next backup clears away what the killed ones left");

  const target = `${path}/target`;
  await Deno.mkdir(target);
  await Deno.writeTextFile(`${target}/old`, "old");
  for (let ms = 150; ms < 1_200; ms += 170) {
    await killAfter(ms, ["restore", archive, "--force", "--data", target, "--config", configDir]);
    // Any later restore, and any start, first ends what was begun: an archive that is none changes nothing else.
    await runAgent(["restore", `${configDir}/llm.yaml`, "--data", target, "--config", configDir]);
    const names = (await listNames(target)).filter((name) => name !== "lock").sort();
    const isOld = names.length === 1 && names[0] === "old";
    if (isOld) continue;
    assert.deepEqual(names.filter((name) => !name.startsWith("ledger.db-")), ["agents", "ledger.db"]);
    assert.equal((await listNames(`${target}/agents/ana/workspace`)).length, 40);
    assert.deepEqual(await texts(target), await texts(dataDir));
  }
});
