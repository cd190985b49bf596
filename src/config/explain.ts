import { AppError } from "../core/error.ts";
import type { Config, PluginSchema } from "./config.ts";
import { didYouMean } from "./fault.ts";
import { configFiles } from "./files.ts";
import type { LoadedConfig } from "./load.ts";
import type { Origin } from "./origins.ts";
import { parsePath, type Path, toPathText } from "./path.ts";
import { toInstanceShape } from "./plugin_file.ts";
import { isPlain, isSecret } from "./same.ts";
import { knownKeys, sayType, type Shape, shapeAt, toDurationText, toShape, toSubshape } from "./shape.ts";

/** One setting: the value in force and everything there is to say about it. */
export interface Explanation {
  /** Such as `agents.ana.config.debounce_ms`. */
  readonly path: string;
  /** As it would be written in the file; secrets as `[secret]`; `undefined` where nothing is set and nothing is default. */
  readonly value: unknown;
  /** Where the value came from: `config/llm.yaml:12 (environment X)`, `environment X`, `default`. */
  readonly origin: string;
  /** What may be written there. */
  readonly type: string;
  readonly description?: string;
  readonly default?: unknown;
}

/** The same without what references stand for: variables and secret files hold keys, whatever setting names them. */
export function withoutReferences(explanation: Explanation): Explanation {
  return explanation.origin.endsWith(")") ? { ...explanation, value: "[from elsewhere]" } : explanation;
}

/**
 * Explains the setting at `path`, or every setting below it that has a value. Agents, providers and plugin instances go
 * by name or index: `agents.ana.model`, `agents[0].model`, `plugins.telegram.sales`. The first part may be left out
 * where the rest is clear (`http.admin`). An empty path means everything.
 *
 * @throws {AppError} `missing` where there is no such setting, `invalid` where `path` cannot be read.
 */
export function explain(loaded: LoadedConfig, path: string): readonly Explanation[] {
  const parsed = parsePath(path);
  if (parsed === undefined) {
    throw new AppError("invalid", `Cannot explain "${path}": write it like agents.ana.model or llm.providers`);
  }
  const root = { value: toTree(loaded.config), shape: toTreeShape(loaded.plugins) };
  const target = walk(root, withSection(parsed, root), path);
  return describe(target, loaded);
}

interface Spot {
  readonly path: Path;
  readonly value: unknown;
  readonly shape: Shape;
}

/** The config as paths see it: agents and instances by name. */
function toTree(config: Config) {
  const plugins: Record<string, Record<string, unknown>> = {};
  for (const { plugin, instance, config: settings } of config.plugins) {
    plugins[plugin] = { ...plugins[plugin], [instance]: settings };
  }
  return {
    agents: Object.fromEntries(config.agents.map((agent) => [agent.id, agent])),
    llm: config.llm,
    broker: config.broker,
    memory: config.memory,
    runtime: config.runtime,
    plugins,
  };
}

function toTreeShape(plugins: readonly PluginSchema[]): Shape {
  const agent = shapeAt(toShape(configFiles["agents.yaml"]), ["agents", 0]);
  const broker = shapeAt(toShape(configFiles["broker.yaml"]), ["broker"]);
  const toNamed = (instance: Shape): Shape => ({ type: "object", additionalProperties: instance });
  const accounts = plugins.map((plugin) => [plugin.id, toNamed(toInstanceShape(plugin))]);
  return {
    type: "object",
    properties: {
      agents: { type: "object", description: "Agents, by id.", additionalProperties: agent ?? false },
      llm: toShape(configFiles["llm.yaml"]),
      broker: broker ?? false,
      memory: toShape(configFiles["memory.yaml"]),
      runtime: toShape(configFiles["runtime.yaml"]),
      plugins: {
        type: "object",
        description: "Plugin instances, by plugin and name.",
        properties: Object.fromEntries(accounts),
      },
    },
  };
}

/** Puts the missing first part in front: `http.admin` is `runtime.http.admin`. */
function withSection(path: Path, { shape }: { readonly shape: Shape }): Path {
  const [first] = path;
  const sections = Object.keys(shape.properties ?? {});
  if (first === undefined || sections.includes(String(first))) return path;
  const section = sections.find((name) => knownKeys(shapeAt(shape, [name]) ?? {}).includes(String(first)));
  return section === undefined ? path : [section, ...path];
}

function walk(root: { readonly value: unknown; readonly shape: Shape }, path: Path, asked: string): Spot {
  let spot: Spot = { path: [], ...root };
  for (const given of path) {
    const { value, shape } = spot;
    const names: readonly string[] = isPlain(value) ? Object.keys(value) : [];
    const step = typeof given === "number" && !Array.isArray(value) ? names[given] ?? given : given;
    const child = childOf(value, step);
    const childShape = shapeAt(shape, [step]);
    if (childShape === undefined || (child === undefined && !knownKeys(shape).includes(String(step)))) {
      const known = [...new Set([...names, ...knownKeys(shape)])];
      throw new AppError(
        "missing",
        `Cannot explain "${asked}": there is no "${step}" in ${toPathText(spot.path) || "the config"}.` +
          (didYouMean(String(step), known) || ` There is: ${known.join(", ") || "nothing"}`),
      );
    }
    spot = { path: [...spot.path, step], value: child, shape: childShape };
  }
  return spot;
}

function describe(spot: Spot, loaded: LoadedConfig): readonly Explanation[] {
  const steps = stepsBelow(spot.value);
  if (steps.length === 0) return [describeLeaf(spot, loaded)];
  return steps.flatMap((step) =>
    describe({
      path: [...spot.path, step],
      value: childOf(spot.value, step),
      shape: shapeAt(spot.shape, [step]) ?? {},
    }, loaded)
  );
}

function describeLeaf({ path, value, shape }: Spot, { origins }: LoadedConfig): Explanation {
  const text = toPathText(path);
  return {
    path: text,
    value: toWritten(value, shape),
    origin: sayOrigin(
      origins.get(text),
      Array.isArray(value) ? value.map((_, at) => origins.get(`${text}[${at}]`)) : [],
    ),
    type: sayType(shape),
    ...(shape.description === undefined ? {} : { description: shape.description }),
    ...(shape.default === undefined ? {} : { default: shape.default }),
  };
}

/** Mappings and lists of mappings are taken apart; a list of plain values is one setting. */
function stepsBelow(value: unknown): Path {
  if (Array.isArray(value)) return value.some(isPlain) ? [...value.keys()] : [];
  return isPlain(value) ? Object.keys(value).filter((key) => value[key] !== undefined) : [];
}

function childOf(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return value[Number(step)];
  return isPlain(value) ? value[step] : undefined;
}

/** The value as a user would write it. That a secret is empty is worth knowing and gives nothing away. */
function toWritten(value: unknown, shape: Shape): unknown {
  if (isSecret(value)) return value.reveal() === "" ? "" : "[secret]";
  if (Array.isArray(value)) return value.map((item) => toWritten(item, toSubshape(shape.items) ?? {}));
  if (shape.secret === true && value !== undefined) return value === "" ? "" : "[secret]";
  return shape.unit === "duration" && typeof value === "number" ? toDurationText(value) : value;
}

/** Where a value came from; of a list, also where its items did. */
function sayOrigin(origin: Origin | undefined, items: readonly (Origin | undefined)[]): string {
  if (origin === undefined) return "default";
  if (origin.kind === "environment") return `environment ${origin.name}`;
  const sources = [origin, ...items].flatMap((one) => one?.kind === "file" ? one.source ?? [] : []);
  return `${origin.file}:${origin.line}${sources.length === 0 ? "" : ` (${[...new Set(sources)].join(", ")})`}`;
}
