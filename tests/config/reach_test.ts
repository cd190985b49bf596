import assert from "node:assert/strict";
import { toOptions } from "../../src/config/options.ts";
import { findNewReach } from "../../src/config/reach.ts";
import { toFileShapes } from "../../src/config/schemas.ts";

Deno.test("an edit reaches further where it names a folder, an address, a key, a tool or a reference", () => {
  const cases: readonly (readonly [before: string, after: string, reach: readonly string[]])[] = [
    ["agents: [{ id: ana }]", "agents: [{ id: ana, system_prompt: Be kind, description: $5 }]", []],
    ["", "agents: [{ id: ana, workspace: / }]", ["agents.workspace"]],
    ["agents: [{ id: ana, workspace: /a }]", "agents: [{ id: bob }, { id: ana, workspace: /a }]", []],
    ["agents: [{ id: ana, workspace: /a }]", "agents: [{ id: ana, workspace: /b }]", ["agents.workspace"]],
    ["agents: [{ id: ana, allowed_tools: [a, b] }]", "agents: [{ id: ana, allowed_tools: [b] }]", []],
    [
      "agents: [{ id: ana, allowed_tools: [a] }]",
      "agents: [{ id: ana, inbound_bindings: [{ plugin: x, allowed_tools: [a] }] }]",
      ["agents.inbound_bindings.allowed_tools"],
    ],
    ["", 'agents: [{ id: ana, description: "\\x24{file:../secrets/key}" }]', ["agents.description"]],
    ["", "a: &x { workspace: / }\nagents: [*x]", ["a.workspace", "agents.workspace"]],
    ["", '{"runtime": 1, "\\u0068ttp": {"admin": "0.0.0.0:9091"}}', ["http.admin"]],
    ["providers: { one: { base_url: u } }", "providers: { two: { base_url: u } }", ["providers.two.base_url"]],
    ["http: { allowed_hosts: [a] }", "http: { allowed_hosts: [a, b] }", ["http.allowed_hosts"]],
    ["http: { allowed_hosts: [a] }", "http: {}", []],
    ["", "retention: { finished: 1d, audit: 1m }", ["retention.audit"]],
    ["", "agents: [", []],
  ];
  for (const [before, after, reach] of cases) assert.deepEqual(findNewReach(before, after), reach, after);
});

Deno.test("every option that looks like a folder, an address or a key reaches further", () => {
  const shapes = toFileShapes([]);
  const files = ["agents.yaml", "llm.yaml", "broker.yaml", "memory.yaml", "runtime.yaml"];
  const options = files.flatMap((file) => toOptions(shapes.get(file) ?? assert.fail(file)));
  // What only names people and chats, and how much there may be of what is theirs.
  const near = /^agents\[\]\.(?:inbound_bindings\[\]\.)?(?:keep_attachments|recipients|tool_rate_limits)/;
  const doubtful = options.filter(({ path, type }) =>
    !near.test(path) &&
    (/secret|URL/.test(type) || /(?:^|[._])(?:\w*(?:dir|file|folder|path|url|host|addr|key)s?)$/.test(path))
  );
  assert.ok(doubtful.length > 10, "options were found");
  for (const { path } of doubtful) {
    const text = path.split(".").reduceRight<unknown>(
      (inner, step) => step.endsWith("[]") ? { [step.slice(0, -2)]: [inner] } : { [step]: inner },
      "value",
    );
    assert.equal(findNewReach("", JSON.stringify(text)).length, 1, `${path} reaches further`);
  }
});
