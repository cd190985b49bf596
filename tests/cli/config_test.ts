import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openConfigFolder } from "../fixtures/config_folder.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";

const shipped = new URL("../../config", import.meta.url).pathname;
const tenFaults = {
  "agents.yaml": `
agents:
  - id: Ana
  - id: ben
    modle: auto
  - id: ben
    config: { debounce_ms: -1 }
  - id: cleo
    config: { mode: shout, turn_deadline: soon }
  - id: dora
    inbound_bindings: [{ instance: main }]
`,
  "llm.yaml": `
providers:
  anthropic: { api_key: "\${A_VARIABLE_THAT_NOBODY_SETS}" }
  local: { kind: quantum, base_url: no-address }
`,
  "broker.yaml": "broker: { type: pigeon }\n",
};

Deno.test("config check of the shipped config is one line and 0", async () => {
  const { code, stdout, stderr } = await runAgent(["config", "check", "--config", shipped]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^OK: 1 agent, 5 providers, 0 channels in 5 files\n$/);
});

Deno.test("config check tells every fault with file, line and remedy, and ends with 2", async () => {
  await using folder = await openConfigFolder(tenFaults);
  const { code, stdout } = await runAgent(["config", "check"], { env: { AGENT_CONFIG: folder.dir } });
  assert.equal(code, 2);
  const places = stdout.split("\n").filter((line) => /\.yaml:\d+:\d+ /.test(line));
  assert.ok(places.length >= 10, stdout);
  assert.equal(stdout.match(/Remedy: /g)?.length, places.length);
  const json = await runAgent(["config", "check", "--json", "--config", folder.dir]);
  assert.equal(json.code, 2);
  const { ok, faults } = JSON.parse(json.stdout);
  assert.deepEqual([ok, faults.length], [false, places.length]);
});

Deno.test("run with a faulty config prints the same report on standard error, and ends with 2", async () => {
  await using folder = await openConfigFolder(tenFaults);
  await using data = await openTempDir();
  const { code, stdout, stderr } = await runAgent(["run", "--config", folder.dir, "--data", data.path]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /Cannot load config: \d+ faults\n.*\.yaml:\d+/);
});

Deno.test("config explain tells one setting in full, several as a table, and no secret", async () => {
  const env = { AGENT_CONFIG: shipped, ANTHROPIC_API_KEY: "sk-secret" };
  const one = await runAgent(["config", "explain", "agents.ana.model"], { env });
  assert.match(one.stdout, /^agents\.ana\.model\n {2}value +auto\n {2}from +.*agents\.yaml:\d+\n/);
  const key = await runAgent(["config", "explain", "llm.providers", "--json"], { env });
  assert.ok(!key.stdout.includes("sk-secret"));
  assert.match(key.stdout, /environment ANTHROPIC_API_KEY/);
  assert.match((await runAgent(["config", "explain", "http"], { env })).stdout, /^SETTING +VALUE +FROM\n/);
  const missing = await runAgent(["config", "explain", "http.admn"], { env });
  assert.equal(missing.code, 4);
  assert.match(missing.stderr, /Did you mean "admin"/);
});

Deno.test("config schema prints schemas, or writes one file for each", async () => {
  const printed = await runAgent(["config", "schema", "llm.yaml"]);
  assert.match(JSON.parse(printed.stdout)["$schema"], /draft-07/);
  await using folder = await openTempDir();
  const written = await runAgent(["config", "schema", "--out", folder.path, "--json"]);
  const paths: readonly string[] = JSON.parse(written.stdout).written;
  assert.ok(paths.includes(`${folder.path}/plugins/telegram.schema.json`), written.stdout);
  for (const path of paths) JSON.parse(await Deno.readTextFile(path));
  const unknown = await runAgent(["config", "schema", "lm.yaml"]);
  assert.equal(unknown.code, 4);
  assert.match(unknown.stderr, /Did you mean "llm\.yaml"/);
});

Deno.test("an unknown command, flag or value is told with the nearest, and ends with 2", async () => {
  const cases = [
    [["stat"], /Did you mean `status`/],
    [["status", "--jsn"], /did you mean --json/],
    [["dlq", "list", "--hop", "outbund"], /did you mean "outbound"/],
    [["dlq", "list", "--older-than", "soon"], /write a time such as 30m/],
    [["dlq", "show"], /ID/],
  ] as const;
  for (const [args, hint] of cases) {
    const { code, stdout, stderr } = await runAgent(args);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, hint);
  }
});

Deno.test("help of a command has examples and exit codes", async () => {
  for (const args of [["help", "status"], ["status", "--help"]]) {
    const { code, stdout } = await runAgent(args);
    assert.equal(code, 0);
    assert.match(stdout, /EXAMPLES\n {2}agent status\n/);
    assert.match(stdout, /EXIT CODES\n {2}0 ready\n/);
  }
});

Deno.test("version tells what runs", async () => {
  const { code, stdout } = await runAgent(["version", "--json"]);
  assert.equal(code, 0);
  const { deno, v8 } = Deno.version;
  assert.deepEqual({ ...JSON.parse(stdout), version: "" }, { version: "", deno, v8 });
});
