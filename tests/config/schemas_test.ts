import assert from "node:assert/strict";
import { Ajv } from "ajv/dist/ajv.js";
import { parse } from "yaml";
import { toEditorSchemas } from "../../src/config/schemas.ts";
import { chat } from "./loading.ts";

const schemas = toEditorSchemas([chat]);

function validatorOf(name: string) {
  const schema = schemas.get(name);
  assert(schema !== undefined);
  // Ajv knows no formats by itself, and our own keywords are notes.
  return new Ajv({ strict: true, allowUnionTypes: true, keywords: ["secret", "unit"], formats: { uri: true } }).compile(
    schema,
  );
}

Deno.test("there is a valid schema for every file", () => {
  assert.deepEqual([...schemas.keys()], [
    "agents.yaml",
    "llm.yaml",
    "broker.yaml",
    "memory.yaml",
    "extensions.yaml",
    "mcp.yaml",
    "runtime.yaml",
    "plugins/chat.yaml",
  ]);
  for (const name of schemas.keys()) validatorOf(name);
});

Deno.test("editors accept the shipped files", async () => {
  for (const name of ["agents.yaml", "llm.yaml", "broker.yaml", "memory.yaml", "runtime.yaml"]) {
    const validate = validatorOf(name);
    assert(validate(parse(await Deno.readTextFile(`config/${name}`))), `${name}: ${JSON.stringify(validate.errors)}`);
  }
});

Deno.test("editors refuse what the loader refuses", () => {
  assert(!validatorOf("agents.yaml")({ agents: [{ id: "ana", modle: "auto" }] }));
  assert(!validatorOf("runtime.yaml")({ log: { level: "loud" } }));
  assert(!validatorOf("plugins/chat.yaml")({ chat: [{ instance: "sales" }] }));
  assert(!validatorOf("plugins/chat.yaml")({ chat: [{ instance: "Sales", token: "t" }] }));
});

Deno.test("editors accept a reference wherever the loader does", () => {
  assert(validatorOf("runtime.yaml")({ http: { admin: "${ADMIN}" }, log: { level: "${LEVEL:-info}" } }));
  assert(validatorOf("llm.yaml")({ providers: { anthropic: { base_url: "${URL}" } } }));
  assert(!validatorOf("runtime.yaml")({ limits: { max_parallel_turns: "${TURNS}" } }));
});

Deno.test("an instance takes the plugin's settings and its name, in a list or alone", () => {
  const validate = validatorOf("plugins/chat.yaml");
  assert(validate({ chat: [{ instance: "sales", token: "t" }, { token: "u", poll_seconds: 3 }] }));
  assert(validate({ chat: { token: "t" } }));
});

Deno.test("descriptions and defaults are those of the loader", () => {
  const text = JSON.stringify(schemas.get("runtime.yaml"));
  assert.match(text, /Quiet time after the last change/);
  assert.match(text, /"default":"300ms"/);
});
