import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { openConfigFolder } from "../fixtures/config_folder.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { inheritedEnv, openTempDir, startFlags, startNexo } from "../fixtures/nexo_process.ts";

Deno.test("what a piped chat said is in the sessions, while the process runs and after it", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const flags = ["--data", data.path];
  const readSessions = async () => {
    const { items } = JSON.parse(
      (await runAgent(["sessions", "list", "--search", "good evening", "--json", ...flags])).stdout,
    );
    assert.equal(items.length, 1);
    const { stdout } = await runAgent(["sessions", "show", items[0].id, ...flags]);
    return stdout;
  };
  let whileRunning: string;
  {
    await using _nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }), dataDir: data.path });
    const status = await runAgent(["status", ...flags]);
    assert.equal(status.code, 0, status.stderr);
    assert.match(status.stdout, /is ready[^]*^ana +fake\/fake-1/m);
    const chat = await runAgent(["chat", "ana", ...flags], { stdin: "good evening\nand good night" });
    assert.deepEqual(
      [chat.code, chat.stdout],
      [0, "answer to: good evening\nanswer to: and good night\n"],
      chat.stderr,
    );
    whileRunning = await readSessions();
    assert.match(whileRunning, /user [^]*good evening[^]*assistant[^]*answer to: and good night/);
  }
  assert.equal((await runAgent(["status", ...flags])).code, 6);
  assert.equal(await readSessions(), whileRunning);
});

Deno.test("a turn that failed is a dead letter, and a replay answers it, also when asked for between two runs", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const flags = ["--data", data.path];
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const list = async () => JSON.parse((await runAgent(["dlq", "list", "--json", ...flags])).stdout).items;
  {
    await using _nexo = await startNexo({ config, dataDir: data.path });
    await model.setRules([{ act: "status", status: 400 }]);
    const chat = await runAgent(["chat", "ana", ...flags], { stdin: "one\ntwo" });
    assert.equal(chat.code, 1);
    assert.match(chat.stderr, /the turn failed: /);
    const letters = await list();
    assert.deepEqual(letters.map(({ hop }: { readonly hop: string }) => hop), ["turn", "turn"]);
    await model.setRules([]);
    await model.forget();
    const replay = await runAgent(["dlq", "replay", String(letters[0].id), ...flags]);
    assert.equal(replay.stdout, "1 dead letter replayed.\n", replay.stderr);
    await model.requests({ atLeast: 1 });
    assert.equal((await list()).length, 1);
  }
  const replay = await runAgent(["dlq", "replay", "--hop", "turn", ...flags]);
  assert.equal(replay.stdout, "1 dead letter replayed.\n", replay.stderr);
  assert.deepEqual(await list(), []);
  await model.forget();
  await using _nexo = await startNexo({ config, dataDir: data.path });
  const [request] = await model.requests({ atLeast: 1 });
  assert.equal(request?.userText, "one");
});

Deno.test("run --json prints one line when it is ready, and a signal ends it with 0", async () => {
  await using folder = await openConfigFolder({ "agents.yaml": "agents: [{ id: ana }]\n" });
  await using data = await openTempDir();
  await using process = new Deno.Command(Deno.execPath(), {
    args: [...await startFlags(), "main.ts", "run", "--json", "--config", folder.dir, "--data", data.path],
    cwd: new URL("../../", import.meta.url),
    clearEnv: true,
    env: {
      ...inheritedEnv(),
      AGENT_HEALTH_ADDR: "127.0.0.1:0",
      AGENT_METRICS_ADDR: "127.0.0.1:0",
      AGENT_ADMIN_ADDR: "127.0.0.1:0",
    },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let stdout = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += text;
    if (text.endsWith("\n")) process.kill("SIGINT");
  }
  const { event, addresses, pid, bootId } = JSON.parse(stdout);
  assert.deepEqual([event, pid, typeof bootId], ["ready", process.pid, "string"]);
  assert.match(addresses.admin, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  assert.equal((await process.status).code, 0);
});

Deno.test("a second signal ends the process at once, with 130", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await model.setRules([{ act: "hang" }]);
  const chat = runAgent(["chat", "ana", "--data", nexo.dataDir], { stdin: "hello" });
  await model.requests({ atLeast: 1 });
  nexo.kill("SIGINT");
  await nexo.nextLog("app.stopping");
  // The echo of the first one, as `deno task` makes it, does not count; a person's second one does.
  nexo.kill("SIGINT");
  const impatience = setInterval(() => nexo.kill("SIGINT"), 200);
  const { code: exitCode } = await nexo.stopped;
  clearInterval(impatience);
  assert.equal(exitCode, 130);
  const { code, stderr } = await chat;
  assert.equal(code, 1);
  assert.match(stderr, /The message is kept/);
});
