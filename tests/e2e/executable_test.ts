import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { inheritedEnv, openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { newServerTool, openMcpServer } from "../mcp/mcp_server.ts";
import { newChats } from "./chats.ts";

const root = new URL("../../", import.meta.url).pathname;
const anyPort = "127.0.0.1:0";
const addresses = { AGENT_HEALTH_ADDR: anyPort, AGENT_METRICS_ADDR: anyPort, AGENT_ADMIN_ADDR: anyPort };

type Env = Readonly<Record<string, string>>;

async function run(program: string, args: readonly string[], cwd: string, env: Env = {}) {
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

async function compile(folder: string, ...flags: readonly string[]): Promise<string> {
  const executable = `${folder}/agent`;
  const script = `${root}scripts/compile.ts`;
  const built = await run(Deno.execPath(), ["run", "-A", script, "--output", executable, ...flags], root);
  assert.equal(built.code, 0, built.text);
  return executable;
}

/** What both forms of the executable promise, in a folder with nothing but the file. */
async function checkExecutable(t: Deno.TestContext, executable: string, env: Env): Promise<void> {
  const folder = executable.replace(/\/[^/]*$/, "");
  const [config, dataDir] = [`${folder}/config`, `${folder}/data`];
  const place = ["--config", config, "--data", dataDir];
  const agent = (...args: readonly string[]) => run(executable, args, folder, { ...env, ...addresses });

  await t.step("without a config it writes one to start from", async () => {
    const started = await agent("run", "--data", `${executable}/data`);
    assert.match(started.text, /wrote one to \.\/config/);
    const shipped = await Deno.readTextFile(`${root}config/agents.yaml`);
    assert.equal(await Deno.readTextFile(`${config}/agents.yaml`), shipped);
    await Deno.remove(config, { recursive: true });
  });

  await t.step("it answers people, and what it was answering when it was killed", async () => {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    const chats = newChats(telegram);
    await writeConfig(config, newTestConfig({ modelUrl: model.baseUrl, telegram }));
    {
      await using nexo = await startNexo({ executable, config, dataDir, env });
      chats.write(1);
      await chats.answered(AbortSignal.timeout(30_000));
      const page = await fetch(`${nexo.admin}/`);
      assert.match(await page.text(), /<script/, "the console is inside");
      const asked = await agent("memory", "search", "ana", "x", "--json", "--data", dataDir);
      assert.match(asked.text, /"mode": "hybrid"/, "the library of vectors is there");
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
  });

  await t.step("the doctor finds it well, and a service starts it", async () => {
    const examined = await agent("doctor", ...place);
    assert.match(examined.text, /^ok .*Deno, clock, permissions, disk, sqlite-vec/m, examined.text);
    const unit = await agent("service", "install", "--print", "--user", ...place);
    assert.ok(unit.text.includes(`\nExecStart=${executable} run --config ${config} --data ${dataDir}\n`), unit.text);
  });

  await t.step("MCP servers give it their tools", async () => {
    await using server = openMcpServer([newServerTool("look")]);
    await using model = openFakeModel();
    await writeConfig(config, {
      ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["mcp_*"] } }),
      "mcp.yaml": { servers: { wiki: { url: server.url } } },
    });
    await using nexo = await startNexo({ executable, config, dataDir: `${folder}/data-mcp`, env });
    for (const patience = AbortSignal.timeout(60_000);; patience.throwIfAborted()) {
      const { text } = await agent("mcp", "tools", "wiki", "--data", nexo.dataDir);
      if (text.includes("mcp_wiki_look")) break;
    }
  });

  await t.step("without a network, a home and anything that it may write but its folder, it chats", async () => {
    const cache = env["AGENT_CACHE"];
    const script = `"$0" run > run.log 2>&1 & until "$0" status > status.log 2>&1; do sleep 0.1; done
      echo 'What is 6 * 7?' | "$0" chat ana; kill $!; wait $!`;
    await using empty = await openTempDir();
    const walls = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", empty.path, empty.path];
    const asNobody = ["--unshare-net", "--unshare-user", "--uid", "1000", "--die-with-parent", "--chdir", empty.path];
    const few = { PATH: "/usr/bin:/bin", ...addresses, ...cache === undefined ? {} : { AGENT_CACHE: cache } };
    const told = Object.entries(few).flatMap(([name, value]) => ["--setenv", name, value]);
    const { code, text } = await run(
      "timeout",
      ["60", "bwrap", ...walls, ...asNobody, "--clearenv", ...told, "sh", "-c", script, executable],
      folder,
    );
    const log = await Deno.readTextFile(`${empty.path}/run.log`);
    assert.equal(code, 0, `${text}\n${log}`);
    assert.match(text, /42/);
  });
}

Deno.test("one executable file that unpacks itself keeps the promises of the sources", async (t) => {
  await using folder = await openTempDir();
  await using elsewhere = await openTempDir();
  const executable = await compile(folder.path, "--self-extracting");
  const cache = `${elsewhere.path}/cache`;
  // Nothing listens there: what it would need of npm it could not get.
  const env = { AGENT_CACHE: cache, HOME: elsewhere.path, NPM_CONFIG_REGISTRY: "http://127.0.0.1:9" };
  const version = (more: Env = {}, program = executable) => run(program, ["version"], folder.path, { ...env, ...more });
  const entriesOf = async (path: string) => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  const release = async () => `${cache}/${(await entriesOf(cache)).find((name) => /^\d/.test(name))}`;

  await t.step("it is smaller than 45 MB", async () => {
    const { size } = await Deno.stat(executable);
    assert.ok(size < 45_000_000, `${size} bytes`);
  });

  await t.step("first starts at once unpack one copy, for nobody else to read", async () => {
    for (const { code, text } of await Promise.all([version(), version(), version()])) assert.equal(code, 0, text);
    assert.equal((await entriesOf(cache)).length, 1);
    const { mode } = await Deno.stat(await release());
    assert.equal((mode ?? 0) & 0o077, 0);
  });

  await t.step("a copy in which a file was changed, cut or lost is made anew", async () => {
    const program = `${await release()}/program/main.js`;
    const whole = await Deno.readTextFile(program);
    const changed = whole.replace("agent", "tnega");
    for (
      const harm of [
        () => Deno.writeTextFile(program, changed),
        () => Deno.remove(program),
        async () => await Deno.truncate(`${await release()}/deno`, 1_000),
      ]
    ) {
      await harm();
      for (const { code, text } of await Promise.all([version(), version()])) assert.equal(code, 0, text);
      assert.ok(await Deno.readTextFile(program) === whole);
      assert.equal((await entriesOf(cache)).length, 1);
    }
  });

  await t.step("nothing is started from where others may write", async () => {
    for (const place of [cache, await release()]) {
      await Deno.chmod(place, 0o777);
      const { code, text } = await version();
      assert.equal(code, 3);
      assert.match(text, /Others may write in .*AGENT_CACHE/);
      await Deno.chmod(place, 0o700);
    }
    if (Deno.uid() === 0) {
      await Deno.chown(cache, 65534, 65534);
      assert.equal((await version()).code, 3);
      await Deno.chown(cache, 0, 0);
    }
  });

  await t.step("what it cannot unpack it explains, and leaves nothing behind", async () => {
    const small = `${elsewhere.path}/small`;
    const full = await run("sh", ["-c", 'ulimit -f 20000; exec "$0" version', executable], folder.path, {
      ...env,
      AGENT_CACHE: small,
    });
    assert.equal(full.code, 6, full.text);
    assert.match(full.text, /it takes 120 MB. Make space there/);
    const cut = `${elsewhere.path}/cut`;
    await Deno.copyFile(executable, cut);
    await Deno.truncate(cut, 20_000_000);
    const damaged = await version({ AGENT_CACHE: small }, cut);
    assert.equal(damaged.code, 6, damaged.text);
    assert.match(damaged.text, /cut is damaged. Fetch it again/);
    assert.deepEqual(await entriesOf(small), []);
    const homeless = await run(
      "sh",
      ["-c", 'unset HOME AGENT_CACHE XDG_CACHE_HOME; exec "$0" version', executable],
      "/",
    );
    assert.equal(homeless.code, 2);
    assert.match(homeless.text, /no HOME to unpack into.*AGENT_CACHE/);
  });

  await t.step("releases before the last one leave the cache, except while they run", async () => {
    const own = await release();
    const older = ["0.0.1", "0.0.2", "0.0.3"].map((one) => `${cache}/${one}-0123456789abcdef`);
    for (const [index, path] of older.entries()) {
      await Deno.mkdir(path);
      await Deno.writeTextFile(`${path}/used`, "");
      await Deno.utime(`${path}/used`, index + 1, index + 1);
    }
    await Deno.copyFile("/bin/sleep", `${older[0]}/deno`);
    await Deno.chmod(`${older[0]}/deno`, 0o700);
    await Deno.mkdir(`${cache}/.unpacking.lost00`);
    await Deno.utime(`${cache}/.unpacking.lost00`, 1, 1);
    const running = new Deno.Command(`${older[0]}/deno`, { args: ["1000"], stdin: "null" }).spawn();
    await Deno.remove(`${own}/files`);
    assert.equal((await version()).code, 0);
    running.kill("SIGKILL");
    await running.status;
    const kept = (await entriesOf(cache)).sort();
    assert.deepEqual(kept, [older[0], older[2], own].map((path) => path?.slice(cache.length + 1)));
    for (const path of [older[0], older[2]]) await Deno.remove(path ?? "", { recursive: true });
  });

  await checkExecutable(t, executable, env);

  await t.step("an extension is made, installed and run with the Deno inside", async () => {
    const place = ["--config", `${folder.path}/config`, "--data", `${folder.path}/data`];
    const ext = async (...args: readonly string[]) => {
      const { code, text } = await run(executable, ["ext", ...args], folder.path, env);
      assert.equal(code, 0, text);
      return text;
    };
    await ext("new", "greeter");
    await ext("install", ...place, "greeter");
    await ext("enable", ...place, "--yes", "greeter");
    assert.match(await ext("run", ...place, "greeter", "greet", '{"name":"Ana"}'), /Hello, Ana!/);
  });
});

/** Deno's base binary for compiled programs, where this machine has it. */
async function findDenort(): Promise<string | undefined> {
  for (const path of [Deno.env.get("DENORT_BIN"), `${Deno.execPath().replace(/\/[^/]*$/, "")}/denort`]) {
    if (path !== undefined && await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return undefined;
}

const denort = await findDenort();

Deno.test({
  name: "one executable file of deno compile keeps them too (needs denort: in DENORT_BIN, or beside deno)",
  ignore: denort === undefined,
  async fn(t) {
    await using folder = await openTempDir();
    const executable = await compile(folder.path);
    await checkExecutable(t, executable, { HOME: folder.path, NPM_CONFIG_REGISTRY: "http://127.0.0.1:9" });
  },
});

Deno.test("deno compile gets the whole program, for another machine too", async () => {
  await using folder = await openTempDir();
  // Any program serves as the base of one that is not started.
  for (const target of [[], ["--target", "aarch64-unknown-linux-gnu"]]) {
    const args = ["run", "-A", `${root}scripts/compile.ts`, "--output", `${folder.path}/agent`, ...target];
    const built = await run(Deno.execPath(), args, root, { DENORT_BIN: Deno.execPath() });
    assert.equal(built.code, 0, built.text);
    const text = await run("grep", ["--count", "--text", "licences.txt", `${folder.path}/agent`], root);
    assert.notEqual(text.text.trim(), "0");
  }
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
  assert.match(built.text, /denort. Name it in DENORT_BIN.*deno task compile --self-extracting/);
});
