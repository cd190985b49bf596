import { z } from "zod";
import type { PluginInstance, PluginSchema } from "./config.ts";
import type { ConfigDocument } from "./document.ts";
import type { Gatherer } from "./gatherer.ts";
import type { InstanceMention } from "./outline.ts";
import type { Path } from "./path.ts";
import { idText } from "./scalars.ts";
import { optionsOf, type Shape, toShape } from "./shape.ts";

const instanceName = idText.default("default").describe("Name of this account, for bindings, logs and commands.");

/** What `plugins/<plugin>.yaml` says. */
export interface PluginFile {
  /** Every instance that the file names, also a faulty one. */
  readonly mentions: readonly InstanceMention[];
  readonly instances: readonly {
    readonly instance: PluginInstance;
    readonly document: ConfigDocument;
    readonly path: Path;
    /** What no other instance of the plugin may have. */
    readonly account: string | undefined;
  }[];
}

/**
 * Checks a plugin's file: `telegram: [{ instance: sales, … }]`, or one mapping. `instance` is ours; the rest of each
 * mapping goes to the plugin's own schema.
 */
export function checkPluginFile(
  { id: plugin, config: schema, account }: PluginSchema,
  document: ConfigDocument,
  gather: Gatherer,
): PluginFile {
  if (!document.readable) return { mentions: [], instances: [] };
  const instanceSchema = z.record(z.string(), z.unknown()).describe("The settings of one instance.");
  const file = gather.check(
    z.strictObject({ [plugin]: z.union([z.array(instanceSchema), instanceSchema]) }),
    document,
  );
  const value = file?.[plugin];
  if (value === undefined) return { mentions: [], instances: [] };
  const items = Array.isArray(value)
    ? value.map((item, index) => ({ item, path: [plugin, index] }))
    : [{ item: value, path: [plugin] }];
  const named = items.map(({ item: { instance: _, ...settings }, path }) => ({
    path,
    settings,
    name: gather.check(instanceName, document, [...path, "instance"]),
  }));
  return {
    mentions: named.flatMap(({ name, path }) => name === undefined ? [] : [{ document, path, plugin, instance: name }]),
    instances: named.flatMap(({ name, path, settings }) => {
      const config = gather.check(schema, document, path, settings);
      if (name === undefined) return [];
      const own = config === undefined ? undefined : account?.(config);
      return [{ instance: { plugin, instance: name, config }, document, path, account: own }];
    }),
  };
}

/** Shape of one instance in a plugin's file: what the plugin takes, and `instance`. */
export function toInstanceShape(plugin: PluginSchema, target?: Parameters<typeof toShape>[1]): Shape {
  const { $schema: _, ...settings } = toShape(plugin.config, target);
  const { $schema: __, ...instance } = toShape(instanceName, target);
  const options = optionsOf(settings).map((option): Shape => ({
    ...option,
    properties: { instance, ...option.properties },
  }));
  const [only, ...others] = options;
  return only === undefined || others.length > 0 ? { anyOf: options } : only;
}
