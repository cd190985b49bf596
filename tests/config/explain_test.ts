import assert from "node:assert/strict";
import { explain } from "../../src/config/explain.ts";
import { loadGood } from "./loading.ts";

const loaded = await loadGood({
  "agents.yaml": `agents:
  - id: ana
    config: { turn_deadline: 90s }
    fallback_models: [{ provider: demo, model: a }]
  - id: bob
`,
  "llm.yaml": "providers:\n  anthropic:\n    api_key: ${KEY}\n  gemini:\n    api_key: ${NONE:-}\n",
  "plugins/chat.yaml": "chat:\n  - instance: sales\n    token: t0ken\n",
}, { env: { KEY: "k3y", AGENT_ADMIN_ADDR: "127.0.0.1:0" } });

const origin = (text: string | undefined) => text?.replace(/^.*\/config\//, "");

Deno.test("a setting is explained with value, origin, type, default and description", () => {
  const [found, ...others] = explain(loaded, "agents.ana.config.turn_deadline");
  assert.deepEqual(others, []);
  assert.equal(found?.value, "90s");
  assert.equal(origin(found.origin), "agents.yaml:3");
  assert.equal(found.default, "10m");
  assert.equal(found.type, "duration such as 30s, 5m, 24h");
  assert.equal(found.description, "A turn ends after this at the latest.");
});

Deno.test("a setting that is nowhere written comes from default", () => {
  const [found] = explain(loaded, "memory.short_term.session_ttl");
  assert.equal(found?.value, "1d");
  assert.equal(found.origin, "default");
});

Deno.test("a secret is shown as [secret] with the variable that held it", () => {
  const [found] = explain(loaded, "llm.providers.anthropic.api_key");
  assert.equal(found?.value, "[secret]");
  assert.equal(origin(found.origin), "llm.yaml:3 (environment KEY)");
});

Deno.test("an empty secret is shown as empty", () => {
  const [found] = explain(loaded, "llm.providers.gemini.api_key");
  assert.equal(found?.value, "");
  assert.match(found.origin, /\(default of \$\{NONE:-\}\)$/);
});

Deno.test("no explanation of the whole config holds a secret", () => {
  const all = JSON.stringify(explain(loaded, ""));
  assert(!all.includes("k3y") && !all.includes("t0ken"));
});

Deno.test("an address from the environment names the variable", () => {
  assert.equal(explain(loaded, "runtime.http.admin")[0]?.origin, "environment AGENT_ADMIN_ADDR");
});

Deno.test("a subtree is explained setting by setting", () => {
  assert.deepEqual(explain(loaded, "runtime.reload").map(({ path, value }) => [path, value]), [
    ["runtime.reload.enabled", true],
    ["runtime.reload.debounce", "300ms"],
  ]);
});

Deno.test("agents and lists go by index too", () => {
  assert.equal(explain(loaded, "agents[1].id")[0]?.path, "agents.bob.id");
  assert.equal(explain(loaded, "agents.ana.fallback_models[0].model")[0]?.value, "a");
});

Deno.test("the section may be left out where the rest is clear", () => {
  assert.equal(explain(loaded, "http.health")[0]?.path, "runtime.http.health");
  assert.equal(explain(loaded, "providers.anthropic.images")[0]?.path, "llm.providers.anthropic.images");
  assert.equal(explain(loaded, "chat.sales.poll_seconds")[0]?.value, 30);
});

Deno.test("an option that is not set is explained without a value", () => {
  const [found] = explain(loaded, "agents.bob.language");
  assert.equal(found?.value, undefined);
  assert.match(found?.description ?? "", /Language/);
});

Deno.test("a path that leads nowhere suggests the nearest", () => {
  assert.throws(() => explain(loaded, "agents.ana.modle"), { kind: "missing", message: /Did you mean "model"\?/ });
  assert.throws(() => explain(loaded, "agents.carl"), { kind: "missing", message: /There is: ana, bob/ });
  assert.throws(() => explain(loaded, "agents..["), { kind: "invalid" });
});
