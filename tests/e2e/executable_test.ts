import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { inheritedEnv, openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { newChats } from "./chats.ts";

const root = new URL("../../", import.meta.url).pathname;

async function run(program: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    clearEnv: true,
    env: { ...inheritedEnv(), NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function compile(folder: string): Promise<string> {
  const executable = `${folder}/agent`;
  const script = `${root}scripts/compile.ts`;
  const built = await run(Deno.execPath(), ["run", "-A", script, "--self-extracting", "--output", executable], root);
  assert.equal(built.code, 0, built.text);
  return executable;
}

Deno.test("one executable file in an empty folder starts, chats, hears Telegram, and goes on after kill -9", async (t) => {
  await using folder = await openTempDir();
  await using elsewhere = await openTempDir();
  const executable = await compile(folder.path);
  // Nothing listens there: what it would need of npm it could not get.
  const env = {
    AGENT_CACHE: `${elsewhere.path}/cache`,
    HOME: elsewhere.path,
    NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
  };
  const dataDir = `${folder.path}/data`;

  await t.step("it is smaller than 45 MB", async () => {
    const { size } = await Deno.stat(executable);
    assert.ok(size < 45_000_000, `${size} bytes`);
  });

  await t.step("two first starts at once unpack one copy, for nobody else to read", async () => {
    const both = await Promise.all([
      run(executable, ["version"], folder.path, env),
      run(executable, ["version"], folder.path, env),
    ]);
    for (const { code, text } of both) assert.equal(code, 0, text);
    const copies = (await Array.fromAsync(Deno.readDir(env.AGENT_CACHE))).map(({ name }) => name);
    assert.equal(copies.length, 1, copies.join(" "));
    const { mode } = await Deno.stat(`${env.AGENT_CACHE}/${copies[0]}`);
    assert.equal((mode ?? 0) & 0o077, 0);
  });

  await t.step("without a config it writes one to start from", async () => {
    const checked = await run(executable, ["run", "--data", "./agent/data"], folder.path, env);
    assert.match(checked.text, /wrote one to \.\/config/);
    const shipped = await Deno.readTextFile(`${root}config/agents.yaml`);
    assert.equal(await Deno.readTextFile(`${folder.path}/config/agents.yaml`), shipped);
    await Deno.remove(`${folder.path}/config`, { recursive: true });
  });

  await t.step("it answers people, and what it was answering when it was killed", async () => {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    const chats = newChats(telegram);
    const config = `${folder.path}/config`;
    await writeConfig(config, newTestConfig({ modelUrl: model.baseUrl, telegram }));
    {
      await using nexo = await startNexo({ executable, config, dataDir, env });
      chats.write(1);
      await chats.answered(AbortSignal.timeout(30_000));
      const chat = await run(executable, ["status", "--data", dataDir], folder.path, env);
      assert.equal(chat.code, 0, chat.text);
      const asked = await run(
        executable,
        ["memory", "search", "ana", "x", "--json", "--data", dataDir],
        folder.path,
        env,
      );
      assert.match(asked.text, /"mode": "hybrid"/, "the library of vectors stands beside the program");
      await model.setRules([{ act: "hold", times: 1 }]);
      chats.write(1);
      await model.requests({ held: 1 });
      nexo.kill("SIGKILL");
      await nexo.stopped;
      await model.release();
    }
    {
      await using _nexo = await startNexo({ executable, config, dataDir, env });
      await chats.answered(AbortSignal.timeout(30_000));
    }
    chats.check(dataDir);
    const anyPort = "127.0.0.1:0";
    const addresses = { AGENT_HEALTH_ADDR: anyPort, AGENT_METRICS_ADDR: anyPort, AGENT_ADMIN_ADDR: anyPort };
    const place = ["--config", config, "--data", dataDir];
    const examined = await run(executable, ["doctor", ...place], folder.path, { ...env, ...addresses });
    assert.match(examined.text, /^ok .*Deno, clock, permissions, disk, sqlite-vec/m, examined.text);
    const unit = await run(executable, ["service", "install", "--print", "--user", ...place], folder.path, env);
    assert.ok(unit.text.includes(`\nExecStart=${executable} run --config ${config} --data ${dataDir}\n`), unit.text);
  });
});

Deno.test("where deno compile has no base binary, the command names what to do", async () => {
  await using folder = await openTempDir();
  const built = await run(
    Deno.execPath(),
    ["run", "-A", `${root}scripts/compile.ts`, "--output", `${folder.path}/agent`],
    root,
    { DENORT_BIN: `${folder.path}/none` },
  );
  assert.equal(built.code, 1);
  assert.match(built.text, /deno task compile --self-extracting/);
});
