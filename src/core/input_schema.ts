import type { JsonSchema } from "./tool.ts";
import { toShownText } from "./shown_text.ts";

/** Longest schema of one tool, characters of JSON: longer than any form that a model could fill in. */
const lengthBound = 100_000;
const depthBound = 64;
const descriptionBound = 2_000;

/** Keywords that hold one schema, a list of schemas, or schemas by name. */
const singleKeywords = new Set([
  "additionalProperties",
  "items",
  "not",
  "if",
  "then",
  "else",
  "contains",
  "propertyNames",
  "unevaluatedItems",
  "unevaluatedProperties",
]);
const listKeywords = new Set(["allOf", "anyOf", "oneOf", "prefixItems", "items"]);
const mapKeywords = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);

/**
 * Keywords that are taken out: ids and dialects, which would clash with those of other tools in one validator, and
 * regular expressions, with which their author could keep this process busy for ever. Whoever runs the tool checks its own patterns.
 */
const droppedKeywords = new Set(["$schema", "$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary", "id"]);
const patternKeywords = new Set(["pattern", "patternProperties"]);

/** A schema that others wrote for their tool, made fit to check inputs with; or why that cannot be. */
export function toInputSchema(
  schema: unknown,
): { readonly schema: JsonSchema } | { readonly schema?: never; readonly fault: string } {
  if (!isMapping(schema)) return { fault: "its schema is no object" };
  if (schema["type"] !== "object") return { fault: 'its schema is not of type "object"' };
  const found = findFault(schema, 0);
  if (found !== undefined) return { fault: found };
  if (JSON.stringify(schema).length > lengthBound) {
    return { fault: `its schema is longer than ${lengthBound} characters` };
  }
  const clean = cleanSchema(schema);
  return isMapping(clean) ? { schema: clean } : { fault: "its schema is no object" };
}

function findFault(value: unknown, depth: number): string | undefined {
  if (depth > depthBound) return `its schema is deeper than ${depthBound} levels`;
  if (typeof value !== "object" || value === null) return undefined;
  if (isMapping(value) && typeof value["$ref"] === "string" && !value["$ref"].startsWith("#")) {
    return "its schema refers to another document";
  }
  for (const part of Object.values(value)) {
    const fault = findFault(part, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function cleanSchema(schema: unknown): unknown {
  if (!isMapping(schema)) return schema;
  const entries = Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
    if (droppedKeywords.has(keyword) || patternKeywords.has(keyword)) return [];
    if (listKeywords.has(keyword) && Array.isArray(value)) return [[keyword, value.map(cleanSchema)]];
    if (singleKeywords.has(keyword)) return [[keyword, cleanSchema(value)]];
    if (mapKeywords.has(keyword) && isMapping(value)) {
      return [[keyword, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, cleanSchema(part)]))]];
    }
    // Descriptions of fields come before the model like that of the tool.
    if ((keyword === "description" || keyword === "title") && typeof value === "string") {
      return [[keyword, toShownText(value, descriptionBound)]];
    }
    return [[keyword, value]];
  });
  return Object.fromEntries(entries);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
