import assert from "node:assert/strict";
import { formatFaults } from "../../src/config/fault.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openConfigFolder } from "../fixtures/config_folder.ts";
import { loadFaulty, oneAgent, toLines } from "./loading.ts";

Deno.test("eleven faults of different kinds in five files are reported at once, each at its line", async () => {
  const faults = await loadFaulty({
    "agents.yaml": `agents:
  - id: ana
    modle: auto
    config:
      debounce_ms: soon
    inbound_bindings:
      - plugin: chat
        instance: sales
      - plugin: chat
        instance: sales
      - plugin: console
  - id: bob
    model: { provider: antropic, model: x }
    allowed_delegates: ["*", anna]
`,
    "agents.d/more.yaml": "agents:\n  - id: ana\n    heartbeat: { interval: 5 minutes }\n",
    "llm.yaml": "providers:\n  anthropic:\n    api_key: ${ANTHROPIC_API_KEY}\n",
    "runtime.yaml": "log:\n  level: inof\n  level: warn\n",
    "plugins/chat.yaml": "chat:\n  - instance: sales\n    token: 123\n",
  });
  assert.deepEqual(
    toLines(faults).sort(),
    [
      'agents.d/more.yaml:2 agents[0].id: agent "ana" is already defined at agents.yaml:2',
      'agents.d/more.yaml:3 agents[0].heartbeat.interval: "5 minutes" is no duration; write it as 30s, 5m, 24h or 7d',
      "agents.yaml:11 agents[0].inbound_bindings[2]: console reaches every agent and needs no binding",
      'agents.yaml:13 agents[1].model.provider: there is no provider "antropic". Did you mean "anthropic"?',
      'agents.yaml:14 agents[1].allowed_delegates[1]: there is no agent "anna". Did you mean "ana"?',
      'agents.yaml:3 agents[0].modle: unknown key. Did you mean "model"?',
      'agents.yaml:5 agents[0].config.debounce_ms: expected whole number (at least 0, at most 60000), found "soon".',
      'agents.yaml:9 agents[0].inbound_bindings[1]: chat.sales is already heard by agent "ana" at agents.yaml:7',
      "llm.yaml:3 providers.anthropic.api_key: ${ANTHROPIC_API_KEY} is not set",
      "plugins/chat.yaml:3 chat[0].token: expected text (secret), found a number.",
      "runtime.yaml:3 : is not valid YAML: Map keys must be unique",
    ],
  );
});

Deno.test("a deadline in which nothing can be done is refused", async () => {
  const faults = await loadFaulty({
    "agents.yaml": "agents:\n  - id: ana\n    config:\n      turn_deadline: 0s\n      tool_deadline: 0ms\n",
    "runtime.yaml": "outbound: { max_age: 0s }\n",
  });
  const words = "leaves no time; write it as 30s or 5m";
  assert.deepEqual(toLines(faults).sort(), [
    `agents.yaml:4 agents[0].config.turn_deadline: "0s" ${words}`,
    `agents.yaml:5 agents[0].config.tool_deadline: "0ms" ${words}`,
    `runtime.yaml:1 outbound.max_age: "0s" ${words}`,
  ]);
});

Deno.test("faults of one file stand in order of lines", async () => {
  const faults = await loadFaulty({
    "agents.yaml": oneAgent,
    "runtime.yaml": "log: { levl: info }\nhttp: { admin: 9091 }\nreload: { debounce: fast }\nlimits: []\n",
  });
  assert.deepEqual(faults.map(({ line }) => line), [1, 2, 3, 4]);
});

Deno.test("a report names place, path, fault and remedy", async () => {
  const faults = await loadFaulty({
    "agents.yaml": oneAgent,
    "llm.yaml": "providers:\n  claude:\n    kind: anthropic\n    api_key: ${CLAUDE_KEY}\n",
  });
  assert.equal(
    formatFaults(faults),
    [
      "Cannot load config: 1 fault",
      "  llm.yaml:4:5 providers.claude.api_key: ${CLAUDE_KEY} is not set",
      "      Remedy: Set CLAUDE_KEY in the environment, or write ${CLAUDE_KEY:-} to go without",
    ].join("\n"),
  );
});

Deno.test("a choice that is none suggests the nearest", async () => {
  const [fault] = await loadFaulty({ "agents.yaml": oneAgent, "runtime.yaml": "log: { level: warning }" });
  assert.equal(
    fault?.message,
    'expected "debug", "info", "warn" or "error", found "warning". Did you mean "warn"?',
  );
});

Deno.test("an empty value says so", async () => {
  const [fault] = await loadFaulty({ "agents.yaml": oneAgent, "runtime.yaml": "http:\n" });
  assert.equal(fault?.message, "is empty");
});

Deno.test("a union complains about the alternative that was meant", async () => {
  const faults = await loadFaulty({
    "agents.yaml": "agents:\n  - id: ana\n    model: { provider: demo }\n  - id: bob\n    model: 5\n",
  });
  assert.deepEqual(toLines(faults), [
    "agents.yaml:3 agents[0].model.model: is missing",
    'agents.yaml:5 agents[1].model: expected "auto" or mapping, found 5.',
  ]);
});

Deno.test("an unknown broker type names the known ones", async () => {
  const [fault] = await loadFaulty({ "agents.yaml": oneAgent, "broker.yaml": "broker: { type: kafka }" });
  assert.equal(fault?.path, "broker.type");
  assert.match(fault.message, /"local"/);
});

Deno.test("a provider whose name says no protocol needs a kind", async () => {
  const faults = await loadFaulty({ "agents.yaml": oneAgent, "llm.yaml": "providers: { local: {}, demo: {} }" });
  assert.deepEqual(toLines(faults), [
    'llm.yaml:1 providers.local: the name "local" does not say which protocol it speaks',
    "llm.yaml:1 providers.demo: demo is built in and cannot be configured",
  ]);
});

Deno.test("the demo provider needs no entry", async () => {
  const faults = await loadFaulty({
    "agents.yaml": "agents: [{ id: ana, model: { provider: demo, model: demo } }, { id: Bob }]",
  });
  assert.deepEqual(faults.map(({ path }) => path), ["agents[1].id"]);
});

Deno.test("a binding and a heartbeat must name a declared instance", async () => {
  const faults = await loadFaulty({
    "agents.yaml": `agents:
  - id: ana
    inbound_bindings: [{ plugin: chat, instance: sale }, { plugin: chta }]
    heartbeat: { deliver_to: { plugin: chat, instance: none, conversation: "1" } }
`,
    "plugins/chat.yaml": "chat: { instance: sales, token: t }",
  });
  assert.deepEqual(toLines(faults), [
    'agents.yaml:3 agents[0].inbound_bindings[0].instance: chat.sale is not declared. Did you mean "sales"?',
    'agents.yaml:3 agents[0].inbound_bindings[1].plugin: there is no plugin "chta". Did you mean "chat"?',
    "agents.yaml:4 agents[0].heartbeat.deliver_to.instance: chat.none is not declared.",
  ]);
});

Deno.test("an instance has one agent", async () => {
  const faults = await loadFaulty({
    "agents.yaml": `agents:
  - { id: ana, inbound_bindings: [{ plugin: chat }] }
  - { id: bob, inbound_bindings: [{ plugin: chat }] }
`,
    "plugins/chat.yaml": "chat: { token: t }",
  });
  assert.equal(faults.length, 1);
  assert.match(faults[0]?.message ?? "", /^chat\.default is already heard by agent "ana" at agents\.yaml:2$/);
});

Deno.test("an instance is declared once", async () => {
  const faults = await loadFaulty({
    "agents.yaml": oneAgent,
    "plugins/chat.yaml": "chat: [{ token: a }, { token: b }]",
  });
  assert.match(faults[0]?.message ?? "", /^instance "default" is already defined at/);
});

Deno.test("a plugin file that cannot be read does not make bindings to it look undeclared", async () => {
  const faults = await loadFaulty({
    "agents.yaml": "agents: [{ id: ana, inbound_bindings: [{ plugin: chat }] }]",
    "plugins/chat.yaml": "chat: [",
  });
  assert(faults.every(({ file }) => file === "plugins/chat.yaml"));
});

for (
  const [what, text, message] of [
    ["two documents", "log: {}\n---\nlog: {}\n", /multiple documents/],
    ["a tag of a language", "log: !!js/function 'x'\n", /Unresolved tag/],
    ["an alias without anchor", "log: *nowhere\n", /alias that no anchor defines/],
    ["a mapping as key", "? { a: 1 }\n: 2\n", /not valid YAML/],
    ["nesting without end", "[".repeat(100_000), /nested too deeply|not valid YAML/],
    ["a file of two megabytes", `# ${"x".repeat(2_000_000)}`, /larger than 1000000 bytes/],
    ["a list at the top", "- 1\n", /expected mapping, found a list/],
    ["a key of an object's prototype", "__proto__: { x: 1 }\n", /unknown key/],
  ] as const
) {
  Deno.test(`${what} is a fault`, async () => {
    const faults = await loadFaulty({ "agents.yaml": oneAgent, "runtime.yaml": text });
    assert.match(faults[0]?.message ?? "", message);
    assert.equal(faults[0]?.file, "runtime.yaml");
  });
}

Deno.test("aliases cannot blow a file up", async () => {
  const levels = Array.from(
    { length: 12 },
    (_, index) => `k${index + 1}: &a${index + 1} [${Array(10).fill(`*a${index}`).join(", ")}]`,
  );
  const faults = await loadFaulty({ "agents.yaml": oneAgent, "runtime.yaml": ["k0: &a0 x", ...levels].join("\n") });
  assert.match(faults[0]?.message ?? "", /aliases too often/);
});

Deno.test("a file that is not UTF-8 is a fault", async () => {
  await using folder = await openConfigFolder({ "agents.yaml": oneAgent });
  await Deno.writeFile(`${folder.dir}/llm.yaml`, new Uint8Array([0x61, 0xff, 0xfe]));
  const result = await loadConfig({ dir: folder.dir, env: {}, plugins: [], generation: 1 });
  assert(!result.ok);
  assert.match(result.faults[0]?.message ?? "", /not UTF-8/);
});

Deno.test("no fault shows a value that came from elsewhere, or one that belongs where secrets do", async () => {
  const secret = "s3cr3t-value";
  const faults = await loadFaulty({
    "agents.yaml": 'agents: [{ id: "${S}", heartbeat: { interval: "${S}" }, config: { mode: "${S}" } }]',
    "llm.yaml": `providers: { anthropic: { api_key: "${secret}" x } }`,
    "runtime.yaml": 'http: { admin: "${S}" }',
    "plugins/chat.yaml": `chat: { token: [${secret}] }`,
  }, { env: { S: secret } });
  assert(faults.length >= 6, String(faults.length));
  assert(!formatFaults(faults).includes(secret));
});

Deno.test("the model that sums up conversations must be one of llm.yaml's", async () => {
  const faults = await loadFaulty({
    "agents.yaml": oneAgent,
    "memory.yaml": "short_term:\n  compaction:\n    model: { provider: chep, model: small }\n",
    "llm.yaml": "providers:\n  cheap: { kind: openai_compatible, api_key: none }\n",
  });
  assert.deepEqual(toLines(faults), [
    'memory.yaml:3 short_term.compaction.model.provider: there is no provider "chep". Did you mean "cheap"?',
  ]);
});

Deno.test("no fault tells what stands for a reference, whatever setting it is in", async () => {
  const agents = `agents:
  - id: ana
    model: { provider: "\${KEY}", model: x }
    allowed_delegates: ["\${file:./key}"]
    inbound_bindings:
      - { plugin: "\${KEY}", instance: x }
      - { plugin: chat, instance: "\${KEY}" }
    config: { mode: "\${KEY}", debounce_ms: "\${KEY}" }
    retention: "\${KEY}"
  - id: "\${KEY}"
  - id: "\${KEY}"
`;
  const faults = await loadFaulty({ "agents.yaml": agents, key: "sk-0123456789" }, { env: { KEY: "key-0123456789" } });
  assert.ok(faults.length >= 8, toLines(faults).join("\n"));
  for (const { message, remedy } of faults) assert.doesNotMatch(`${message} ${remedy}`, /0123456789/);
  assert.ok(
    toLines(faults).includes(
      'agents.yaml:3 agents[0].model.provider: there is no provider "${KEY}".',
    ),
    toLines(faults).join("\n"),
  );
});
