import { optionsOf, sayType, type Shape, toSubshape } from "./shape.ts";

/** One option of a file, as help and docs show it. */
export interface ConfigOption {
  /** Way to it, such as `agents[].model.provider`; `<name>` stands for a name that the user chooses. */
  readonly path: string;
  /** What may be written there, in words. */
  readonly type: string;
  readonly required: boolean;
  readonly description?: string;
  readonly default?: unknown;
  /** What may be written there, where that can be listed. */
  readonly values?: readonly string[];
}

/** Every option of a shape, in the order of its schema. */
export function toOptions(shape: Shape, prefix = ""): readonly ConfigOption[] {
  return optionsOf(shape).flatMap((option) => {
    const required = option.required ?? [];
    const named = Object.entries(option.properties ?? {}).flatMap(([key, value]) => {
      const part = toSubshape(value);
      const path = prefix === "" ? key : `${prefix}.${key}`;
      return part === undefined ? [] : [toOption(part, path, required.includes(key)), ...withoutRepeats(part, path)];
    });
    const items = toSubshape(option.items);
    const others = toSubshape(option.additionalProperties);
    return [
      ...named,
      ...(items === undefined ? [] : toOptions(items, `${prefix}[]`)),
      ...(others === undefined ? [] : toOptions(others, `${prefix}.<name>`)),
    ];
  });
}

function toOption(shape: Shape, path: string, required: boolean): ConfigOption {
  const values = listValues(shape);
  return {
    path,
    type: sayType(shape),
    required,
    ...(shape.description === undefined ? {} : { description: shape.description }),
    ...(shape.default === undefined ? {} : { default: shape.default }),
    ...(values.length === 0 ? {} : { values }),
  };
}

/** A plugin's accounts are a list or one mapping of the same options: those of the list say it all. */
function withoutRepeats(shape: Shape, path: string): readonly ConfigOption[] {
  const bare = (one: ConfigOption) => one.path.replace("[]", "");
  const options = toOptions(shape, path);
  return options.filter((option, index) =>
    !options.slice(0, index).some((earlier) => bare(earlier) === option.path && earlier.path !== option.path)
  );
}

function listValues(shape: Shape): readonly string[] {
  return [
    ...new Set(
      optionsOf(shape).flatMap((option) => {
        if (option.const !== undefined) return [String(option.const)];
        if (option.enum !== undefined) return option.enum.map(String);
        return option.type === "boolean" ? ["true", "false"] : [];
      }),
    ),
  ];
}
