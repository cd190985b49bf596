import assert from "node:assert/strict";
import { explain } from "../../src/config/explain.ts";
import { explainPolicy } from "../../src/config/policy_explained.ts";
import { loadGood } from "./loading.ts";

const loaded = await loadGood({
  "agents.yaml": `agents:
  - id: ana
    model: { provider: demo, model: large }
    allowed_tools: [recall, remember]
    sender_rate_limit: { rps: 1, burst: 5 }
    inbound_bindings:
      - plugin: chat
        instance: sales
        allowed_tools: [recall]
        model: auto
`,
  "plugins/chat.yaml": "chat:\n  - instance: sales\n    token: t0ken\n",
});

/** Where each setting comes from. */
function policyOf(binding: number | undefined): ReadonlyMap<string, unknown> {
  const settings = explainPolicy((path) => explain(loaded, path), "ana", binding);
  const paths = settings.map(({ path }) => path);
  assert.deepEqual(paths.toSorted(), [...new Set(paths)].toSorted(), "each setting is told once");
  return new Map(settings.map(({ path, value, from, origin }) => {
    return [path, [value, from, origin.replace(/^.*\/(?=agents\.yaml)/, "")]];
  }));
}

Deno.test("on a channel the binding's values stand in the place of the agent's", () => {
  const policy = policyOf(0);
  assert.deepEqual(policy.get("allowed_tools"), [["recall"], "binding", "agents.yaml:9"]);
  assert.deepEqual(policy.get("model"), ["auto", "binding", "agents.yaml:10"]);
  assert.equal(policy.has("model.provider"), false);
  assert.deepEqual(policy.get("sender_rate_limit.rps"), [1, "agent", "agents.yaml:5"]);
  assert.deepEqual(policy.get("groups"), ["mention", "default", "default"]);
  assert.deepEqual(policy.get("config.debounce_ms"), [2_000, "default", "default"]);
});

Deno.test("for the console the agent's own values hold, and no binding is told of", () => {
  const policy = policyOf(undefined);
  assert.deepEqual(policy.get("allowed_tools"), [["recall", "remember"], "agent", "agents.yaml:4"]);
  assert.deepEqual(policy.get("model.model"), ["large", "agent", "agents.yaml:3"]);
  assert.equal([...policy.keys()].some((path) => path.startsWith("inbound_bindings") || path === "groups"), false);
});

Deno.test("what is not set is told too, since it decides", () => {
  assert.deepEqual(policyOf(0).get("language"), [undefined, "default", "default"]);
  assert.deepEqual(policyOf(undefined).get("allowed_delegates"), [undefined, "default", "default"]);
});
