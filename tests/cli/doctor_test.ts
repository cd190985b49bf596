import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeAnthropic } from "../fixtures/fake_llm_anthropic.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { openSetupRoom, type SetupRoom } from "../setup/setting_up.ts";

const freePorts = {
  AGENT_HEALTH_ADDR: "127.0.0.1:0",
  AGENT_METRICS_ADDR: "127.0.0.1:0",
  AGENT_ADMIN_ADDR: "127.0.0.1:0",
};

/** A config with the agent ana and nothing else, as the doctor likes it. */
async function openHealthyRoom(env: Readonly<Record<string, string>> = {}): Promise<SetupRoom> {
  const room = await openSetupRoom({ ...freePorts, ...env });
  assert.equal((await room.setup("memory", "--embedder", "embedded")).code, 0);
  await Deno.chmod(room.data, 0o700);
  return room;
}

async function write(room: SetupRoom, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(`${room.config}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${room.config}/${path}`, text, { mode: 0o600 });
  }
}

Deno.test("the doctor finds nothing wrong where nothing is, and says that the demo model answers", async () => {
  await using room = await openHealthyRoom();
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^note {3}model keys: No model but the demo answers for ana\n.*\n +Mend it: agent setup llm\n/);
  assert.match(
    stdout,
    /^ok {5}config, .*permissions, disk, memory, open files, time zone, sqlite-vec.*\n\nAll is well\.\n$/m,
  );
  const json = JSON.parse((await room.agent("doctor", "--json")).stdout);
  assert.equal(json.ok, true);
  for (
    const name of [
      ..."config,Deno,clock,permissions,disk,memory,open files,time zone,sqlite-vec,bubblewrap,ports,extensions,MCP,model keys"
        .split(
          ",",
        ),
      ..."channels,NATS,secrets,config without effect,file notices,old data,skills,workspaces,ledger".split(","),
    ]
  ) assert.ok(json.checks.some((check: { name: string }) => check.name === name), name);
});

Deno.test("the doctor who is not told to mend anything writes nothing, and holds nobody up", async () => {
  await using room = await openHealthyRoom();
  await Deno.remove(room.data, { recursive: true });
  const before = await room.snapshot();
  const outcomes = await Promise.all([room.agent("doctor"), room.agent("doctor")]);
  assert.deepEqual(outcomes.map(({ code }) => code), [0, 0]);
  await assert.rejects(Deno.stat(room.data), Deno.errors.NotFound);
  assert.deepEqual(await room.snapshot(), before);
});

Deno.test("a secret that was lost is told with the step that asks for it, and the rest is looked at all the same", async () => {
  await using room = await openHealthyRoom();
  await write(room, {
    "llm.yaml": 'providers: { anthropic: { api_key: "${file:./secrets/anthropic}" } }\n',
    "plugins/whatsapp.yaml": "whatsapp: [{ instance: lost }]\n",
  });
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 1);
  assert.match(stdout, /config: .*no such file\n.*\n +Mend it: agent setup llm --provider anthropic\./);
  assert.match(stdout, /without effect: Nobody hears whatsapp\.lost/);
});

Deno.test("a command that mends names folders as a shell takes them", async () => {
  await using room = await openHealthyRoom();
  const data = `${room.data} of ana's`;
  await Deno.mkdir(data, { mode: 0o755 });
  const { stdout } = await room.agent("doctor", "--data", data);
  const [, command = ""] = /Mend it: (chmod .*)/.exec(stdout) ?? [];
  assert.equal((await new Deno.Command("sh", { args: ["-c", command] }).output()).code, 0, command);
  assert.equal(((await Deno.stat(data)).mode ?? 0) & 0o777, 0o700);
});

Deno.test("without a config the doctor names the command that makes one", async () => {
  await using room = await openSetupRoom(freePorts);
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 1);
  assert.match(stdout, /wrong {2}config: .*cannot be read[^]*Mend it: .*agent setup/);
});

Deno.test("what others can read is wrong, until --fix has closed it", async () => {
  await using room = await openHealthyRoom();
  await write(room, { "secrets/telegram_a": "1:a", "plugins/telegram.yaml": "telegram: []\n" });
  await Deno.chmod(`${room.config}/secrets/telegram_a`, 0o644);
  await Deno.chmod(`${room.config}/secrets`, 0o755);
  await Deno.chmod(room.data, 0o755);
  const found = await room.agent("doctor");
  assert.equal(found.code, 1);
  assert.match(found.stdout, /permissions: \S+telegram_a is open to other users \(644\)\n.*\n +Mend it: chmod 600/);
  assert.match(found.stdout, /3 things to mend/);
  const fixed = await room.agent("doctor", "--fix");
  assert.equal(fixed.code, 0, fixed.stdout);
  assert.match(fixed.stdout, /mended permissions: \S+telegram_a .*\n.*\n +Done: chmod 600 \S+telegram_a\n/);
  assert.deepEqual([await room.modeOf("secrets"), await room.modeOf("secrets/telegram_a")], ["700", "600"]);
  assert.equal(((await Deno.stat(room.data)).mode ?? 0) & 0o777, 0o700);
  assert.doesNotMatch((await room.agent("doctor")).stdout, /permissions:/);
});

Deno.test("a taken port, a bus that is away, an account that nobody hears: each with what mends it", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using room = await openHealthyRoom({ AGENT_HEALTH_ADDR: `127.0.0.1:${port}` });
  await write(room, {
    "broker.yaml": "broker: { type: nats, url: nats://127.0.0.1:1 }\n",
    "plugins/whatsapp.yaml": "whatsapp: [{ instance: lost }]\n",
  });
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`ports: 127\\.0\\.0\\.1:${port} \\(health\\)[^]*Mend it: .*AGENT_HEALTH_ADDR=`));
  assert.match(stdout, /NATS: No NATS server answers at 127\.0\.0\.1:1[^]*Mend it: .*agent setup nats/);
  assert.match(stdout, /without effect: Nobody hears whatsapp\.lost[^]*Mend it: agent setup whatsapp --instance lost/);
});

Deno.test("secrets and providers that nothing uses, and old copies, are notes", async () => {
  await using room = await openHealthyRoom();
  await write(room, {
    "secrets/lost": "x",
    "llm.yaml": "providers: { anthropic: { api_key: k }, gemini: { api_key: k } }\n",
  });
  await Deno.chmod(`${room.config}/secrets`, 0o700);
  await Deno.writeTextFile(`${room.data}/ledger.db.before-v3`, "");
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 0, stdout);
  assert.match(stdout, /note .*refers to \S+\/secrets\/lost[^]*Mend it: rm /);
  assert.match(stdout, /note .*gemini has a key, and no agent asks it/);
  assert.doesNotMatch(stdout, /anthropic has a key/);
  assert.match(stdout, /note .*ledger\.db\.before-v3 is a copy[^]*Mend it: rm /);
});

Deno.test("with --live keys and tokens are tried, and the clock is compared with the world's", async () => {
  await using model = openFakeAnthropic();
  await using api = await openFakeBotApi();
  const hour = 3_600_000;
  await using clock = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { headers: { date: new Date(Date.now() - hour).toUTCString() } }),
  );
  await using room = await openHealthyRoom();
  const clockUrl = `http://127.0.0.1:${clock.addr.port}`;
  await write(room, {
    "llm.yaml":
      `providers: { old: { kind: anthropic, api_key: k, base_url: "${clockUrl}" }, anthropic: { api_key: k, base_url: "${model.baseUrl}" } }\n`,
    "agents.yaml":
      "agents: [{ id: ana, inbound_bindings: [{ plugin: telegram }, { plugin: telegram, instance: b }] }]\n",
    "plugins/telegram.yaml":
      `telegram: [{ token: "${api.token}", api_root: "${api.url}" }, { instance: b, token: "1:b", api_root: "${api.url}" }]\n`,
  });
  assert.equal((await room.agent("doctor")).code, 0, "nobody was asked");
  assert.equal(model.requests.length, 0);
  const { code, stdout } = await room.agent("doctor", "--live");
  assert.equal(code, 1);
  assert.match(stdout, /clock: The clock is 3\d{3} s ahead of the world's[^]*Mend it: timedatectl/);
  assert.match(stdout, /model keys: old does not answer[^]*Mend it: agent setup llm --provider old/);
  assert.doesNotMatch(stdout, /anthropic does not answer/);
  assert.match(stdout, /channels: telegram\.b: .*401[^]*Mend it: agent setup telegram --instance b/);
  assert.doesNotMatch(stdout, /telegram\.default/);
  assert.ok(!stdout.includes(api.token));
});

Deno.test("of a running process the doctor tells what is not well, and does not take its ports for taken", async () => {
  await using room = await openHealthyRoom();
  await write(room, {
    "plugins/telegram.yaml": 'telegram: [{ token: "1:a", api_root: "http://127.0.0.1:1" }]\n',
    "agents.yaml": "agents: [{ id: ana, inbound_bindings: [{ plugin: telegram }] }]\n",
  });
  await using nexo = await startNexo({ config: room.config, dataDir: room.data });
  // The pause before the next try is long enough by then that it is down, and not starting, while it is looked at.
  for (let tries = 0; tries < 3; tries++) await nexo.nextLog("plugin.ended");
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 1, stdout);
  assert.match(stdout, /channels: telegram\.default is (?:starting|down|degraded)/);
  assert.doesNotMatch(stdout, /ports/);
  assert.match(stdout, /^ok .*workspaces/m);

  await Deno.writeTextFile(`${room.data}/admin.token`, "another");
  const shut = await room.agent("doctor");
  assert.equal(shut.code, 1);
  assert.match(shut.stdout, /wrong {2}process: /);
});
