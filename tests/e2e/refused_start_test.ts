import assert from "node:assert/strict";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type ConfigFiles, openTempDir, startRefused } from "../fixtures/nexo_process.ts";

const config = newTestConfig({ modelUrl: "http://127.0.0.1:9/v1" });

Deno.test("a config with ten faults is refused with all of them, and with exit code 2", async () => {
  const faulty: ConfigFiles = {
    ...config,
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
  const { code, stderr } = await startRefused({ config: faulty });
  const text = stderr.join("\n");
  assert.equal(code, 2, text);
  for (
    const fault of [
      "Ana",
      "modle",
      "ben",
      "debounce_ms",
      "mode",
      "turn_deadline",
      "plugin",
      "A_VARIABLE",
      "kind",
      "broker",
    ]
  ) {
    assert.ok(text.includes(fault), `${fault} in:\n${text}`);
  }
  assert.match(text, /agents\.yaml:\d+/);
});

Deno.test("a damaged ledger is named, kept as it is, and not overwritten", async () => {
  await using data = await openTempDir();
  const path = `${data.path}/ledger.db`;
  const damaged = crypto.getRandomValues(new Uint8Array(65_536));
  await Deno.writeFile(path, damaged);
  const { code, stderr } = await startRefused({ config, dataDir: data.path });
  assert.notEqual(code, 0);
  assert.match(stderr.join("\n"), /ledger\.db/);
  assert.deepEqual(await Deno.readFile(path), damaged);
});

Deno.test("a port in use is named with the setting that chose it", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${listener.addr.port}`;
  const { code, stderr } = await startRefused({ config, env: { AGENT_ADMIN_ADDR: address } });
  assert.notEqual(code, 0);
  assert.ok(stderr.join("\n").includes(String(listener.addr.port)), stderr.join("\n"));
});
