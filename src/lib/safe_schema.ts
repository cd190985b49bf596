import { isDeeperThan } from "./depth.ts";

/** Larger ones say nothing that a model reads, and take long to compile. */
const maxCharacters = 50_000;
const maxDepth = 24;

/**
 * Keywords that are left out: patterns of others can keep a processor busy for hours, and references can lead outside or
 * in circles. Whoever wrote the schema checks its own input anyway.
 */
const leftOut: ReadonlySet<string> = new Set([
  ...["pattern", "patternProperties", "format", "$ref", "$dynamicRef", "$id", "$schema", "$anchor", "$dynamicAnchor"],
  ...["contentSchema", "unevaluatedProperties", "unevaluatedItems"],
]);

/** A JSON Schema that others wrote, fit to be compiled and shown to a model; or why it is not. */
export function toSafeSchema(
  schema: Readonly<Record<string, unknown>>,
): { readonly schema: Readonly<Record<string, unknown>> } | { readonly fault: string } {
  if (isDeeperThan(schema, maxDepth)) return { fault: `is deeper than ${maxDepth} levels` };
  if (JSON.stringify(schema).length > maxCharacters) return { fault: `is longer than ${maxCharacters} characters` };
  const safe = clean(schema);
  // Tools take an object of named arguments: every provider demands it.
  return { schema: safe.type === undefined ? { type: "object", ...safe } : safe };
}

function clean(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => leftOut.has(key) ? [] : [[key, cleanValue(key, value)]]),
  );
}

/** Keys of these are names that the author chose; below them are schemas again. */
const named: ReadonlySet<string> = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);
/** Values of these are data, not schemas. */
const data: ReadonlySet<string> = new Set(["enum", "const", "default", "examples", "required", "dependentRequired"]);

function cleanValue(key: string, value: unknown): unknown {
  if (data.has(key)) return value;
  if (Array.isArray(value)) return value.map((item) => isMapping(item) ? clean(item) : item);
  if (!isMapping(value)) return value;
  if (!named.has(key)) return clean(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, isMapping(part) ? clean(part) : part]),
  );
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
