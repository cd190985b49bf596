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

/** Runs `deno task compile` with the tester's environment: it may fetch what is for another machine. */
async function build(flags: readonly string[], env: Env = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${root}scripts/compile.ts`, ...flags],
    cwd: root,
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function compile(folder: string, flags: readonly string[], env: Env = {}): Promise<string> {
  const executable = `${folder}/agent`;
  const built = await build(["--output", executable, ...flags], env);
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
    assert.match(examined.text, /^ok .*Deno, clock, permissions, disk, .*sqlite-vec/m, examined.text);
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
  const temporary = `${elsewhere.path}/a b`;
  await Deno.mkdir(temporary);
  const executable = await compile(folder.path, ["--self-extracting"], { TMPDIR: temporary });
  await Deno.remove(temporary); // nothing was left there
  const cache = `${elsewhere.path}/my cache`; // libraries and workers too are loaded from there
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
    assert.deepEqual(await entriesOf(elsewhere.path), ["my cache"], "Deno's own cache stays in it");
  });

  await t.step("the licence of each package inside is there, with its words", async () => {
    const text = await Deno.readTextFile(`${await release()}/program/licences.txt`);
    const parts = new Map(
      text.split(`\n\n${"-".repeat(80)}\n\n`).map((part) => [part.replace(/[@ ][\d(].*/s, ""), part]),
    );
    for (
      const name of ["Deno", "baileys", "grammy", "imapflow", "minimisted", "preact", "sqlite-vec", "uplot", "zod"]
    ) {
      assert.match(parts.get(name) ?? "", /Permission is hereby granted/, name);
    }
    assert.match(parts.get("@stricli/core") ?? "", /TERMS AND CONDITIONS FOR USE/);
    for (const [name, part] of parts) assert.ok(part.length > 500, name);
  });

  await t.step("every shell starts it, by whatever name", async () => {
    const odd = `${folder.path}/a b'c"d$e\nf`;
    await Deno.mkdir(odd);
    await Deno.link(executable, `${odd}/agent`);
    await Deno.symlink(executable, `${folder.path}/link`);
    const started = [
      await version({ AGENT_CACHE: `${odd}/cache` }, `${odd}/agent`),
      await version({}, `${folder.path}/link`),
      await run("sh", ["agent", "version"], folder.path, env),
      await run("bash", ["--posix", "agent", "version"], folder.path, env),
    ];
    for (const { code, text } of started) {
      assert.equal(code, 0, text);
      assert.match(text, /^nexo \d/);
    }
    const near = { ...env, AGENT_CACHE: "nearby" };
    const made = await run("sh", ["-c", "umask 027; exec ./agent ext new kept"], folder.path, near);
    assert.equal(made.code, 0, made.text);
    assert.equal(((await Deno.stat(`${folder.path}/kept`)).mode ?? 0) & 0o777, 0o750, "the umask is the user's");
    for (const name of ["nearby", "kept"]) await Deno.remove(`${folder.path}/${name}`, { recursive: true });
    await Deno.remove(odd, { recursive: true });
  });

  await t.step("the environment gives it no code of others, no place to write and no other address", async () => {
    const other = `${elsewhere.path}/other.js`;
    const log = `${elsewhere.path}/coverage`;
    await Deno.writeTextFile(other, 'console.log("code of others");');
    const { code, text } = await version({
      NODE_OPTIONS: `--require ${other}`,
      DENO_COVERAGE_DIR: log,
      DENO_PERMISSION_BROKER_PATH: `${elsewhere.path}/none`,
    });
    assert.equal(code, 0, text);
    assert.match(text, /^nexo [^\n]+\n$/);
    await assert.rejects(Deno.stat(log), Deno.errors.NotFound);
    const taken = "127.0.0.1:1"; // where it may not listen, or nobody expects it
    const served = { ...env, DENO_SERVE_ADDRESS: `tcp:${taken}` };
    await using nexo = await startNexo({ executable, config: `${root}config`, env: served });
    assert.ok([nexo.admin, nexo.health, nexo.metrics].every((address) => !address.endsWith(taken)));
  });

  await t.step("stopped while it unpacks, it is gone and leaves nothing", async () => {
    const unpacked = `${elsewhere.path}/stopped`;
    await Deno.mkdir(unpacked, { mode: 0o700 });
    for (const [signal, code] of [["SIGTERM", 143], ["SIGHUP", 129]] as const) {
      const started = new Deno.Command(executable, {
        args: ["version"],
        env: { AGENT_CACHE: unpacked },
        stdin: "null",
        stdout: "null",
      }).spawn();
      for (const patience = AbortSignal.timeout(60_000);; patience.throwIfAborted()) {
        if ((await entriesOf(unpacked)).length > 0) break;
      }
      started.kill(signal);
      assert.equal((await started.status).code, code);
      assert.deepEqual(await entriesOf(unpacked), []);
    }
  });

  await t.step("what the machine lacks it names", async () => {
    const bin = `${elsewhere.path}/bin`;
    await Deno.mkdir(bin);
    const needed = ["cat", "gzip", "id", "mkdir", "mktemp", "mv", "rm", "stat", "tail", "tar", "uname"];
    for (const name of needed) await Deno.symlink(`/usr/bin/${name}`, `${bin}/${name}`);
    const empty = { AGENT_CACHE: `${elsewhere.path}/lacking`, PATH: bin };
    for (const name of needed) {
      await Deno.rename(`${bin}/${name}`, `${bin}/${name}.away`);
      const { code, text } = await version(empty);
      assert.deepEqual([code, text.trim().split("\n").length], [6, 1], text);
      assert.match(text, new RegExp(`no program ${name} `));
      await Deno.rename(`${bin}/${name}.away`, `${bin}/${name}`);
    }
    await Deno.remove(`${bin}/uname`);
    await Deno.writeTextFile(`${bin}/uname`, "#!/bin/sh\necho Linux riscv64\n", { mode: 0o755 });
    const foreign = await version(empty);
    assert.equal(foreign.code, 6);
    assert.match(foreign.text, /is for Linux \S+, and this machine is Linux riscv64/);
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
    const scarce = await run("sh", ["-c", 'ulimit -v 1000000; exec "$0" version', executable], folder.path, {
      ...env,
      AGENT_CACHE: small,
    });
    assert.equal(scarce.code, 6, scarce.text);
    assert.match(scarce.text, /The Deno inside does not run on this machine/);
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
    // One was killed a moment ago, one is as old as no unpacking is, and in the third a process still works.
    const mine = `.unpacking.${Deno.pid}.`;
    for (const name of [".unpacking.4194305.killed", `${mine}old`, `${mine}now`]) await Deno.mkdir(`${cache}/${name}`);
    await Deno.utime(`${cache}/${mine}old`, 1, 1);
    const running = new Deno.Command(`${older[0]}/deno`, { args: ["1000"], stdin: "null" }).spawn();
    await Deno.remove(`${own}/files`);
    assert.equal((await version()).code, 0);
    running.kill("SIGKILL");
    await running.status;
    const kept = (await entriesOf(cache)).sort();
    const expected = [older[0], older[2], own].map((path) => path?.slice(cache.length + 1));
    assert.deepEqual(kept, [`${mine}now`, ...expected]);
    for (const path of [older[0], older[2], `${cache}/${mine}now`]) await Deno.remove(path ?? "", { recursive: true });
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

Deno.test("where the file cannot go, or for which machine, is told before anything is made", async () => {
  await using folder = await openTempDir();
  for (
    const [flags, told] of [
      [["--output", folder.path], /--output must name a file, .*--output \S+\/agent\n$/],
      [["--output", `${folder.path}/`], /--output must name a file/],
      [["--output", ""], /--output must name a file/],
      [["--output", `${folder.path}/none/agent`], /no folder \S+\/none for --output. Make it first/],
      [["--target", "z80-unknown-cpm"], /Cannot compile for z80-unknown-cpm. Targets: x86_64-unknown-linux-gnu, /],
      [["--self-extracting", "--target", "x86_64-apple-darwin"], /cannot be made for another --target/],
      [["agent"], /does not take positional arguments/],
    ] as const
  ) {
    const { code, text } = await build(flags);
    assert.equal(code, 1, text);
    assert.match(text, told);
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
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
    const executable = await compile(folder.path, []);
    await checkExecutable(t, executable, { HOME: folder.path, NPM_CONFIG_REGISTRY: "http://127.0.0.1:9" });
  },
});

Deno.test("deno compile gets the whole program, also for another machine", async () => {
  await using folder = await openTempDir();
  const flags = ["--output", `${folder.path}/agent`, "--target", "aarch64-unknown-linux-gnu"];
  // Any program serves as the base of one that is not started.
  const built = await build(flags, { DENORT_BIN: Deno.execPath() });
  assert.equal(built.code, 0, built.text);
  const text = await run("grep", ["--count", "--text", "licences.txt", `${folder.path}/agent`], root);
  assert.notEqual(text.text.trim(), "0");
});

Deno.test("where deno compile has no base binary, the command names what to do", async () => {
  await using folder = await openTempDir();
  const built = await build(["--output", `${folder.path}/agent`], { DENORT_BIN: `${folder.path}/none` });
  assert.equal(built.code, 1);
  assert.match(built.text, /denort. Name it in DENORT_BIN.*deno task compile --self-extracting/);
});
