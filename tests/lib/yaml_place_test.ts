import assert from "node:assert/strict";
import { findYamlPlace } from "../../src/lib/yaml_place.ts";

/** The place of `|` in a text. */
function placeOf(marked: string) {
  const offset = marked.indexOf("|");
  const place = findYamlPlace(marked.replace("|", ""), offset);
  return place && [place.path.join("."), place.isKey ? "key" : "value", place.word];
}

const agents = (rest: string) => `# who answers\nagents:\n  - id: ana\n    model:\n      provider: local\n${rest}`;

Deno.test("a cursor is placed by indentation, lists counting for nothing", () => {
  const cases = [
    ["|", ["", "key", ""]],
    ["age|nts:", ["", "key", "agents"]],
    ["agents: |", ["agents", "value", ""]],
    [agents("    bud|"), ["agents", "key", "bud"]],
    [agents("    |"), ["agents", "key", ""]],
    [agents("      mod|el: x"), ["agents.model", "key", "model"]],
    [agents("      model: cor|ner-1"), ["agents.model.model", "value", "corner-1"]],
    [agents("    inbound_bindings:\n      - plugin: telegram\n        gro|ups: off"), [
      "agents.inbound_bindings",
      "key",
      "groups",
    ]],
    [agents("    inbound_bindings:\n      - |"), ["agents.inbound_bindings", "key", ""]],
    [agents("    inbound_bindings:\n    - plu|gin: x"), ["agents.inbound_bindings", "key", "plugin"]],
    [agents("  - id: b|en"), ["agents.id", "value", "ben"]],
    [agents("|"), ["", "key", ""]],
    ["a:\n  b:\n    c: 1\n\n  # note\n  d|: 2", ["a", "key", "d"]],
    ["\"a b\":\n  'c': |", ["a b.c", "value", ""]],
  ] as const;
  for (const [text, place] of cases) assert.deepEqual(placeOf(text), place, text);
});

Deno.test("braces and brackets on one line count too, as in JSON", () => {
  const cases = [
    ["short_term: { max|: 7 }", ["short_term", "key", "max"]],
    ["short_term: { max: 7, tt| }", ["short_term", "key", "tt"]],
    ["short_term: { max: 7, inner: { deep: |1 } }", ["short_term.inner.deep", "value", "1"]],
    ["short_term: { inner: { deep: 1 }, ne|", ["short_term", "key", "ne"]],
    ['{"agents":[{"id":"ana","model":{"provider":"lo|cal"}}]}', ["agents.model.provider", "value", "local"]],
    ["a:\n  tools: [recall, mem|]", ["a.tools", "value", "mem"]],
  ] as const;
  for (const [text, place] of cases) assert.deepEqual(placeOf(text), place, text);
});

Deno.test("a long text belongs to its key, and a comment to nothing", () => {
  const long = "agents:\n  - id: ana\n    system_prompt: >-\n      You ar|e: kind\n";
  assert.deepEqual(placeOf(long), ["agents.system_prompt", "value", "are"]);
  assert.equal(placeOf("a: 1 # no|te"), undefined);
  assert.equal(placeOf("# no|te"), undefined);
  assert.deepEqual(placeOf('a: "x # y" |'), ["a", "value", ""]);
});

Deno.test("any text and any place give an answer", () => {
  const text = "}{][\n- - -\n\"'\n  : :\n\ta: {,}\n|";
  for (let offset = 0; offset <= text.length; offset++) findYamlPlace(text, offset);
});
