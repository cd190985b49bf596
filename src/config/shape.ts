import { z } from "zod";
import type { Path } from "./path.ts";

/**
 * A schema as plain data (JSON Schema of what a user may write), from which help, docs and suggestions are derived.
 * Two keywords of ours: `unit: "duration"` for texts that become milliseconds, `secret: true` for what must not be seen.
 */
export type Shape = z.core.JSONSchema.BaseSchema;

/** Turns a zod schema into its {@linkcode Shape}. */
export function toShape(schema: z.ZodType, target: "draft-2020-12" | "draft-07" = "draft-2020-12"): Shape {
  return z.toJSONSchema(schema, {
    target,
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (!(zodSchema instanceof z.ZodDefault)) return;
      // Zod leaves defaults out that stand behind a transform. Durations are defaulted in milliseconds, but read and
      // written as text.
      const fallback: unknown = zodSchema.def.defaultValue;
      jsonSchema.default = jsonSchema.unit === "duration" ? toDurationText(Number(fallback)) : fallback;
    },
  });
}

/** Writes milliseconds as config does, exactly: `300ms`, `30s`, `5m`, `1d`. */
export function toDurationText(ms: number): string {
  const units = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const;
  const unit = units.find(([, size]) => ms >= size && ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}

/** The part of `shape` at `path`, or `undefined` where no such key can be. */
export function shapeAt(shape: Shape, path: Path): Shape | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return shape;
  for (const option of optionsOf(shape)) {
    const child = childOf(option, step);
    const found = child === undefined ? undefined : shapeAt(child, rest);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Keys that a mapping of this shape knows by name. */
export function knownKeys(shape: Shape): readonly string[] {
  return optionsOf(shape).flatMap((option) => Object.keys(option.properties ?? {}));
}

/** The shape itself, or the alternatives that it is made of. */
export function optionsOf(shape: Shape): readonly Shape[] {
  const options = shape.anyOf ?? shape.oneOf;
  return options === undefined ? [shape] : options.flatMap(optionsOf);
}

/** The schema in a place where JSON Schema also allows `true` and `false`. */
export function toSubshape(schema: Shape["items"]): Shape | undefined {
  return typeof schema === "object" && !Array.isArray(schema) ? schema : undefined;
}

/** Says in words what a value of this shape is: `text`, `whole number`, `list of text`, `"a" or "b"`. */
export function sayType(shape: Shape): string {
  if (shape.secret === true) return "text (secret)";
  if (shape.unit === "duration") return "duration such as 30s, 5m, 24h";
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return joinOr(shape.enum.map((value) => JSON.stringify(value)));
  if (Array.isArray(shape.type)) return joinOr(shape.type.map((type) => sayType({ ...shape, type })));
  if (shape.anyOf !== undefined || shape.oneOf !== undefined) {
    return joinOr([...new Set(optionsOf(shape).map(sayType))]);
  }
  switch (shape.type) {
    case "string":
      return shape.format === "uri" ? "URL" : "text";
    case "integer":
      return `whole number${sayRange(shape)}`;
    case "number":
      return `number${sayRange(shape)}`;
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case "array": {
      const items = toSubshape(shape.items);
      return items === undefined ? "list" : `list of ${sayType(items)}`;
    }
    case "object": {
      const values = shape.properties === undefined ? toSubshape(shape.additionalProperties) : undefined;
      return values === undefined ? "mapping" : `mapping of names to ${sayType(values)}`;
    }
  }
  return "anything";
}

function sayRange(shape: Shape): string {
  // Zod states the safe integers as bounds; they tell a user nothing.
  const isBound = (value: unknown) => typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  const bounds = [
    isBound(shape.minimum) ? `at least ${shape.minimum}` : "",
    isBound(shape.exclusiveMinimum) ? `above ${shape.exclusiveMinimum}` : "",
    isBound(shape.maximum) ? `at most ${shape.maximum}` : "",
  ].filter((text) => text !== "");
  return bounds.length === 0 ? "" : ` (${bounds.join(", ")})`;
}

function joinOr(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function childOf(shape: Shape, step: string | number): Shape | undefined {
  if (typeof step === "number") return toSubshape(shape.items);
  const own = shape.properties !== undefined && Object.hasOwn(shape.properties, step)
    ? shape.properties[step]
    : undefined;
  return toSubshape(own ?? shape.additionalProperties);
}
