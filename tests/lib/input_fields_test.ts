import assert from "node:assert/strict";
import { toInput, toInputFields, toTexts } from "../../src/lib/input_fields.ts";

const schema = {
  type: "object",
  properties: {
    limit: { type: "integer", default: 5 },
    query: { type: "string", description: "What to look for", maxLength: 100 },
    content: { type: "string" },
    mode: { enum: ["replace", "append"] },
    level: { enum: [1, 2] },
    day: { oneOf: [{ const: "mo", title: "Monday" }, { const: "tu", title: "Tuesday" }] },
    sure: { type: "boolean" },
    tags: { type: "array", items: { type: "string" } },
    place: { type: "object", properties: { lat: { type: "number" } } },
    maybe: { type: ["string", "null"] },
    either: { anyOf: [{ type: "string" }, { type: "number" }] },
  },
  required: ["query", "level"],
};

Deno.test("a schema's properties become fields, required ones first", () => {
  const kinds = toInputFields(schema).map(({ name, kind }) => [name, kind]);
  assert.deepEqual(kinds, [
    ["query", "text"],
    ["level", "choice"],
    ["limit", "number"],
    ["content", "long text"],
    ["mode", "choice"],
    ["day", "choice"],
    ["sure", "yes or no"],
    ["tags", "lines"],
    ["place", "json"],
    ["maybe", "long text"],
    ["either", "json"],
  ]);
  const day = toInputFields(schema).find(({ name }) => name === "day");
  assert.deepEqual(day?.choices, [{ value: "mo", title: "Monday" }, { value: "tu", title: "Tuesday" }]);
});

Deno.test("what is typed becomes an input of the right types and comes back as it was typed", () => {
  const fields = toInputFields(schema);
  const texts = {
    query: "milk",
    level: "2",
    limit: "7",
    mode: "append",
    day: "tu",
    sure: "false",
    tags: "a\nb",
    place: '{"lat":1.5}',
    content: "",
  };
  const input = toInput(fields, texts);
  assert.deepEqual(input, {
    query: "milk",
    level: 2,
    limit: 7,
    mode: "append",
    day: "tu",
    sure: false,
    tags: ["a", "b"],
    place: { lat: 1.5 },
  });
  const { content: _, ...typed } = texts;
  assert.deepEqual(toTexts(fields, input), typed);
});

Deno.test("JSON that cannot be read is named by its field, and what is no number is left to the tool to refuse", () => {
  const fields = toInputFields(schema);
  assert.throws(() => toInput(fields, { place: "{" }), /^SyntaxError: place must be JSON/);
  assert.deepEqual(toInput(fields, { limit: "many" }), { limit: "many" });
});

Deno.test("a schema without properties has no fields", () => {
  for (const empty of [{}, { type: "object" }, { properties: null }, { properties: [] }]) {
    assert.deepEqual(toInputFields(empty), []);
  }
});
