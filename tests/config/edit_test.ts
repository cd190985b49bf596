import assert from "node:assert/strict";
import { type ConfigChange, editConfig, readPlain, toSecretReference } from "../../src/config/edit.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

const here = new URL("./edits/", import.meta.url);

/** Each is made in a file of `edits/before`; the text that comes of it stands in `edits`, to the byte. */
const edits: Readonly<Record<string, { readonly file: string; readonly changes: readonly ConfigChange[] }>> = {
  "llm_key.yaml": {
    file: "llm.yaml",
    changes: [
      { path: ["providers", "anthropic", "api_key"], value: toSecretReference("anthropic") },
      { path: ["providers", "anthropic", "default_model"], value: "claude-haiku-4-5" },
    ],
  },
  "llm_own_server.yaml": {
    file: "llm.yaml",
    changes: [{
      path: ["providers", "local"],
      value: { kind: "openai_compatible", base_url: "http://127.0.0.1:11434/v1", api_key: "none" },
    }],
  },
  "agent_new.yaml": {
    file: "agents.yaml",
    changes: [{
      path: ["agents", 1],
      value: { id: "ben", description: "Plans: trips # and more", system_prompt: "You are Ben.\n\nBe brief." },
    }],
  },
  "agent_changed.yaml": {
    file: "agents.yaml",
    changes: [
      { path: ["agents", 0, "system_prompt"], value: "You are Ana.\nYou sell shoes." },
      { path: ["agents", 0, "language"], value: "no" },
    ],
  },
  "agent_bound.yaml": {
    file: "agents.yaml",
    changes: [
      { path: ["agents", 0, "inbound_bindings", 0], value: { plugin: "telegram", instance: "sales" } },
      {
        path: ["agents", 0, "inbound_bindings", 1],
        value: { plugin: "email", instance: "box", allow_from: ["a@b.c"] },
      },
    ],
  },
  "broker_nats.yaml": {
    file: "broker.yaml",
    changes: [{ path: ["broker"], value: { type: "nats", url: "nats://127.0.0.1:4222" } }],
  },
  "memory_embedder.yaml": {
    file: "memory.yaml",
    changes: [{ path: ["long_term", "embedder"], value: { kind: "gemini", api_key: toSecretReference("gemini") } }],
  },
};

for (const [golden, { file, changes }] of Object.entries(edits)) {
  Deno.test(`an edit of ${file} changes nothing but what it is about: ${golden}`, async () => {
    const edited = editConfig(await Deno.readTextFile(new URL(`before/${file}`, here)), changes);
    if (Deno.env.has("UPDATE_GOLDEN")) await Deno.writeTextFile(new URL(golden, here), edited);
    assert.equal(edited, await Deno.readTextFile(new URL(golden, here)));
  });
}

/** Texts in all styles that people write, what is set, and what comes of it. */
const styles: readonly (readonly [name: string, before: string, change: ConfigChange, after: string])[] = [
  [
    "an empty file",
    "",
    { path: ["telegram", 0], value: { instance: "a", token: toSecretReference("t") } },
    'telegram:\n  - instance: a\n    token: "${file:./secrets/t}"\n',
  ],
  [
    "a file of comments",
    "# mine\n",
    { path: ["broker"], value: { type: "local" } },
    "# mine\nbroker:\n  type: local\n",
  ],
  ["an empty list", "agents: [] # none\n", { path: ["agents", 0], value: { id: "a" } }, "agents: [{ id: a }] # none\n"],
  [
    "an empty list with comments in it",
    "agents: [\n  # none yet\n] # end\n",
    { path: ["agents", 0], value: { id: "a" } },
    "agents: [ { id: a }\n  # none yet\n] # end\n",
  ],
  [
    "an empty mapping with comments in it",
    "providers: {\n  # none yet\n}\nretry: {}\n",
    { path: ["providers", "a", "api_key"], value: "none" },
    "providers: { a: { api_key: none }\n  # none yet\n}\nretry: {}\n",
  ],
  ["an empty value", "agents: # none\n", { path: ["agents", 0], value: { id: "a" } }, "agents: [{ id: a }] # none\n"],
  [
    "a list at its key's depth",
    "agents:\n- id: a\n  # of a\n- id: b\n",
    { path: ["agents", 2], value: { id: "c", language: "de" } },
    "agents:\n- id: a\n  # of a\n- id: b\n- id: c\n  language: de\n",
  ],
  [
    "a list on one line",
    "agents: [{ id: a, allowed_tools: [x] }] # all\n",
    { path: ["agents", 0, "allowed_tools", 1], value: "y*" },
    'agents: [{ id: a, allowed_tools: [x, "y*"] }] # all\n',
  ],
  [
    "a file without an end of line",
    "log:\n  level: info # why",
    { path: ["log", "format"], value: "json" },
    "log:\n  level: info # why\n  format: json\n",
  ],
  [
    "an editor of Windows",
    "# ours\r\ntelegram:\r\n  - instance: a # x\r\n    token: y\r\n# end\r\n",
    { path: ["telegram", 1], value: { instance: "b", token: toSecretReference("t") } },
    '# ours\r\ntelegram:\r\n  - instance: a # x\r\n    token: y\r\n  - instance: b\r\n    token: "${file:./secrets/t}"\r\n# end\r\n',
  ],
  [
    "an editor of Windows, now and then",
    "agents:\r\n  - id: a\n    language: de\r\n",
    { path: ["agents", 0, "model"], value: "auto" },
    "agents:\r\n  - id: a\n    language: de\r\n    model: auto\n",
  ],
  [
    "a byte order mark",
    "\ufeffagents:\n  - id: a\n",
    { path: ["agents", 1], value: { id: "b" } },
    "\ufeffagents:\n  - id: a\n  - id: b\n",
  ],
  [
    "tabs before and in comments",
    "agents:\t# all\there\n  - id: a\t#\tx\n    language: de\t# y\n\t\n#\tend\n",
    { path: ["agents", 0, "language"], value: "en" },
    "agents:\t# all\there\n  - id: a\t#\tx\n    language: en\t# y\n\t\n#\tend\n",
  ],
  [
    "comments after the last key",
    "telegram:\n  - instance: a\n    token: y\n    # poll: 3\n  # - instance: c\n# the end",
    { path: ["telegram", 1], value: { instance: "b" } },
    "telegram:\n  - instance: a\n    token: y\n    # poll: 3\n  # - instance: c\n  - instance: b\n# the end",
  ],
  [
    "a comment that belongs to the key below a list at its key's depth",
    "agents:\n- id: a\n  # of a\n# of the rest\nrest: 1\n",
    { path: ["agents", 1], value: { id: "b" } },
    "agents:\n- id: a\n  # of a\n- id: b\n# of the rest\nrest: 1\n",
  ],
  [
    "anchors, aliases and merged keys",
    "usual: &usual { retries: 3 }\nagents:\n  - &a\n    id: a\n    <<: *usual\n    # last of a\n  - id: b\n    <<: *usual\n",
    { path: ["agents", 0, "language"], value: "de" },
    "usual: &usual { retries: 3 }\nagents:\n  - &a\n    id: a\n    <<: *usual\n    # last of a\n    language: de\n  - id: b\n    <<: *usual\n",
  ],
  [
    "a list on lines of its own, in brackets",
    "agents: [\n  # one\n  { id: a,\n    language: de }, # trailing\n]\n",
    { path: ["agents", 1], value: { id: "b" } },
    "agents: [\n  # one\n  { id: a,\n    language: de }, { id: b }, # trailing\n]\n",
  ],
  [
    "everything in braces",
    '{ "agents": [ { "id": "a" } ] } # JSON, nearly\n',
    { path: ["agents", 0, "language"], value: "de" },
    '{ "agents": [ { "id": "a", language: de } ] } # JSON, nearly\n',
  ],
  [
    "a document with its marks",
    "%YAML 1.2\n---\nagents:\n  - id: a\n...\n",
    { path: ["agents", 1], value: { id: "b" } },
    "%YAML 1.2\n---\nagents:\n  - id: a\n  - id: b\n...\n",
  ],
  [
    "a folded text and what follows it",
    "agents:\n  - id: a\n    system_prompt: >-\n      abc\n      def\n\n  # of b\n  - id: b\n",
    { path: ["agents", 0, "system_prompt"], value: "new" },
    "agents:\n  - id: a\n    system_prompt: |-\n      new\n\n  # of b\n  - id: b\n",
  ],
  [
    "other scripts",
    "# ü 🎉\nagents:\n  - id: a # 🎉🎉\n    name: 愛\n",
    { path: ["agents", 0, "name"], value: "é" },
    '# ü 🎉\nagents:\n  - id: a # 🎉🎉\n    name: "é"\n',
  ],
  ["a number", "a:\n  n: 1 # one\n", { path: ["a", "n"], value: 22 }, "a:\n  n: 22 # one\n"],
];

for (const [name, before, change, after] of styles) {
  Deno.test(`an edit leaves the style of ${name}`, () => assert.equal(editConfig(before, [change]), after));
}

Deno.test("text of people can be anything and stays text", () => {
  const hostile = [
    "ana\n- id: evil",
    '"}], agents: [{id: evil',
    "${HOME} and ${file:./secrets/anthropic} and $${X}",
    "*alias &anchor !tag %dir @at `tick`",
    "yes",
    "1e3",
    "# no comment",
    " edges \t",
    "a\r\nb\u0000\u001b[2J\u2028\u{1f600}",
    "---\n...\n",
    "<<",
    "",
  ];
  for (const text of hostile) {
    for (const start of ["agents:\n  - id: ana\n    system_prompt: |\n      old\n", "agents: [{ id: ana }]\n", ""]) {
      const edited = editConfig(start, [{ path: ["agents", 0, "system_prompt"], value: text }]);
      const escaped = text.replaceAll("${", () => "$${");
      const first = start === "" ? {} : { id: "ana" };
      assert.deepEqual(readPlain(edited), { agents: [{ ...first, system_prompt: escaped }] });
    }
  }
});

Deno.test("what is no mapping, is there twice, or is another's too is not edited", async () => {
  const texts = [
    ...["agents: no list\n", "agents: [1\n", "- a\n", "agents: []\n---\nagents: []\n", "agents: []\nagents: []\n"],
    ...["all: &all [{ id: a }]\nagents: *all\n", "agents: [{ id: &id a }, { id: *id }]\n"],
  ];
  for (const text of texts) {
    await rejectsWith("invalid", Promise.try(() => editConfig(text, [{ path: ["agents", 0, "id"], value: "ana" }])));
  }
});
