import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/load.ts";
import { loadFaulty, loadGood, oneAgent, toLines } from "./loading.ts";

Deno.test("missing files are defaults", async () => {
  const { config } = await loadGood({ "agents.yaml": oneAgent });
  assert.equal(config.agents[0]?.id, "ana");
  assert.equal(config.agents[0].config.debounce_ms, 2_000);
  assert.deepEqual(config.broker, { type: "local" });
  assert.equal(config.memory.short_term.session_ttl, 86_400_000);
  assert.equal(config.runtime.http.admin, "127.0.0.1:9091");
  assert.deepEqual(config.plugins, []);
});

Deno.test("empty files are defaults", async () => {
  const { config } = await loadGood({ "agents.yaml": oneAgent, "llm.yaml": "", "runtime.yaml": "# nothing\n" });
  assert.deepEqual(config.llm.providers, {});
});

Deno.test("agents come from agents.yaml and then from agents.d in order of file names", async () => {
  const { config } = await loadGood({
    "agents.d/z.yaml": "agents: [{ id: zoe }]",
    "agents.yaml": oneAgent,
    "agents.d/b.yaml": "agents: [{ id: bob }]",
  });
  assert.deepEqual(config.agents.map(({ id }) => id), ["ana", "bob", "zoe"]);
});

Deno.test("agents.yaml may be missing while agents.d has an agent", async () => {
  const { config } = await loadGood({ "agents.d/b.yaml": "agents: [{ id: bob }]" });
  assert.deepEqual(config.agents.map(({ id }) => id), ["bob"]);
});

Deno.test("no agent at all is a fault with a remedy", async () => {
  const [missing] = await loadFaulty({ "llm.yaml": "" });
  assert.equal(missing?.file, "agents.yaml");
  assert.match(missing.remedy, /agents: \[\{ id: ana/);
  assert.deepEqual(toLines(await loadFaulty({ "agents.yaml": "agents: []" })), [
    "agents.yaml:1 agents: defines no agent",
  ]);
});

Deno.test("examples and hidden files are not read", async () => {
  const { config } = await loadGood({
    "agents.yaml": oneAgent,
    "agents.d/support.example.yaml": "agents: [{ id: support }]",
    "agents.d/.b.yaml": "agents: [{ id: bob }]",
    "plugins/chat.example.yaml": "chat: { nonsense: true }",
    "llm.example.yaml": "nonsense",
  });
  assert.deepEqual(config.agents.map(({ id }) => id), ["ana"]);
  assert.deepEqual(config.plugins, []);
});

Deno.test("a file that nothing reads is a fault", async () => {
  const faults = await loadFaulty({
    "agents.yaml": oneAgent,
    "lmm.yaml": "",
    "agents.d/bob.yml": "agents: [{ id: bob }]",
    "plugins/chaat.yaml": "chaat: {}",
  });
  assert.deepEqual(toLines(faults), [
    'lmm.yaml:- : nothing reads this file. Did you mean "llm.yaml"?',
    "agents.d/bob.yml:- : is not read",
    'plugins/chaat.yaml:- : nothing reads this file. Did you mean "plugins/chat.yaml"?',
  ]);
});

Deno.test("a missing folder is a fault that names the flag", async () => {
  const result = await loadConfig({ dir: "/nonexistent/config", env: {}, plugins: [], generation: 1 });
  assert(!result.ok);
  assert.match(result.faults[0]?.remedy ?? "", /--config/);
});

Deno.test("plugin instances are a list or one mapping, and default to the name default", async () => {
  const list = await loadGood({
    "agents.yaml": oneAgent,
    "plugins/chat.yaml": "chat:\n  - { instance: sales, token: a }\n  - { token: b, poll_seconds: 5 }\n",
  });
  assert.deepEqual(list.config.plugins.map(({ plugin, instance }) => [plugin, instance]), [
    ["chat", "sales"],
    ["chat", "default"],
  ]);
  const one = await loadGood({ "agents.yaml": oneAgent, "plugins/chat.yaml": "chat: { instance: x, token: a }" });
  assert.deepEqual(one.config.plugins.map(({ instance }) => instance), ["x"]);
});

Deno.test("an instance's settings are checked by the plugin's schema at their place in the file", async () => {
  const faults = await loadFaulty({
    "agents.yaml": oneAgent,
    "plugins/chat.yaml": "chat:\n  - instance: sales\n    tokn: a\n  - instance: Sales 2\n    token: a\n",
  });
  assert.deepEqual(toLines(faults), [
    "plugins/chat.yaml:2 chat[0].token: is missing",
    'plugins/chat.yaml:3 chat[0].tokn: unknown key. Did you mean "token"?',
    'plugins/chat.yaml:4 chat[1].instance: "Sales 2" must be 1 to 63 lower-case letters, digits, - or _, beginning with a letter or digit',
  ]);
});

Deno.test("addresses in the environment win over runtime.yaml", async () => {
  const { config, origins } = await loadGood(
    { "agents.yaml": oneAgent, "runtime.yaml": 'http: { admin: "127.0.0.1:1", health: "127.0.0.1:2" }' },
    { env: { AGENT_ADMIN_ADDR: "127.0.0.1:0", AGENT_METRICS_ADDR: "" } },
  );
  assert.equal(config.runtime.http.admin, "127.0.0.1:0");
  assert.equal(config.runtime.http.health, "127.0.0.1:2");
  assert.equal(config.runtime.http.metrics, "127.0.0.1:9090");
  assert.deepEqual(origins.get("runtime.http.admin"), { kind: "environment", name: "AGENT_ADMIN_ADDR" });
});

Deno.test("an address in the environment that is none names the variable", async () => {
  const faults = await loadFaulty({ "agents.yaml": oneAgent }, { env: { AGENT_HEALTH_ADDR: "localhost:70000" } });
  assert.deepEqual(toLines(faults), ["AGENT_HEALTH_ADDR:- : has a port above 65535"]);
});

Deno.test("a loaded config is frozen through and through", async () => {
  const { config } = await loadGood({ "agents.yaml": oneAgent, "plugins/chat.yaml": "chat: { token: a }" });
  const frozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  assert(frozen(config));
});

Deno.test("values know the file and line that they came from", async () => {
  const { origins } = await loadGood({
    "agents.yaml": "agents:\n  - id: ana\n    config:\n      debounce_ms: 0\n",
    "plugins/chat.yaml": "chat:\n  - instance: sales\n    token: ${TOKEN}\n",
  }, { env: { TOKEN: "t" } });
  const debounce = origins.get("agents.ana.config.debounce_ms");
  assert(debounce?.kind === "file" && debounce.line === 4);
  const token = origins.get("plugins.chat.sales.token");
  assert(token?.kind === "file" && token.line === 3);
  assert.equal(token.source, "environment TOKEN");
});
