import type { PluginSchema } from "./config.ts";
import { configFiles, pluginsDir } from "./files.ts";
import { toInstanceShape } from "./plugin_file.ts";
import { type Shape, toShape, toSubshape } from "./shape.ts";

type Target = Parameters<typeof toShape>[1];

/** The shape of every file of the config folder, by its name there, in the order of the docs. */
export function toFileShapes(plugins: readonly PluginSchema[], target?: Target): ReadonlyMap<string, Shape> {
  return new Map([
    ...Object.entries(configFiles).map(([name, schema]): [string, Shape] => [name, toShape(schema, target)]),
    ...plugins.map((plugin): [string, Shape] => [
      `${pluginsDir}/${plugin.id}.yaml`,
      toPluginFileShape(plugin.id, toInstanceShape(plugin, target)),
    ]),
  ]);
}

/**
 * JSON Schemas (draft 7, the one that editors know best) of every file, by its name. Files in agents.d are like
 * agents.yaml. They accept a reference such as `${NAME}` wherever the loader does.
 */
export function toEditorSchemas(plugins: readonly PluginSchema[]): ReadonlyMap<string, Shape> {
  return new Map(
    [...toFileShapes(plugins, "draft-07")].map(([name, shape]) => [
      name,
      { ...allowReferences(shape), $schema: "http://json-schema.org/draft-07/schema#", title: name },
    ]),
  );
}

function toPluginFileShape(plugin: string, instance: Shape): Shape {
  return {
    type: "object",
    properties: {
      [plugin]: {
        description: "Accounts: a list, or one mapping.",
        anyOf: [{ type: "array", items: instance }, instance],
      },
    },
    required: [plugin],
    additionalProperties: false,
  };
}

/** Lets a text be a reference also where its pattern, format or list of values would not. */
function allowReferences(shape: Shape): Shape {
  const { description, default: fallback, ...rest } = mapSubshapes(shape, allowReferences);
  const isText = rest.type === "string" || (rest.type === undefined && typeof rest.const === "string");
  const isBound = [rest.pattern, rest.format, rest.enum, rest.const].some((keyword) => keyword !== undefined);
  if (!isText || !isBound) return mapSubshapes(shape, allowReferences);
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [rest, { type: "string", pattern: "\\$\\{" }],
  };
}

/** Changes every shape of a value inside `shape`. Keys (`propertyNames`) are no values: references in them are text. */
function mapSubshapes(shape: Shape, change: (part: Shape) => Shape): Shape {
  const items = toSubshape(shape.items);
  const others = toSubshape(shape.additionalProperties);
  return {
    ...shape,
    ...(shape.properties === undefined ? {} : {
      properties: Object.fromEntries(
        Object.entries(shape.properties).map(([key, value]) => {
          const part = toSubshape(value);
          return [key, part === undefined ? value : change(part)];
        }),
      ),
    }),
    ...(items === undefined ? {} : { items: change(items) }),
    ...(others === undefined ? {} : { additionalProperties: change(others) }),
    ...(shape.anyOf === undefined ? {} : { anyOf: shape.anyOf.map(change) }),
    ...(shape.oneOf === undefined ? {} : { oneOf: shape.oneOf.map(change) }),
  };
}
