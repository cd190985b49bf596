import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { AppError, toAppError } from "../core/error.ts";
import type { HookName } from "../core/hook.ts";
import { parseDuration } from "../lib/duration.ts";

/** Name of the file that makes a folder an extension. */
export const manifestName = "plugin.toml";

const maxManifestBytes = 65_536;

/** Ids that would be taken for a part of the runtime. */
const reservedIds: readonly string[] = ["agent", "core", "memory", "heartbeat", "mcp", "nexo"];

/** An extension's id: part of its tools' names and its folders. */
export const extensionId = z.string().regex(
  /^[a-z][a-z0-9_-]{0,31}$/,
  "must be 1 to 32 lower-case letters, digits, - or _, beginning with a letter",
).refine((id) => !reservedIds.includes(id), `must not be one of ${reservedIds.join(", ")}`);

/** Names of the hooks that an extension can listen on. */
const hookNames = [
  "before_message",
  "after_message",
  "before_tool_call",
  "after_tool_call",
  "session_start",
  "session_end",
] as const satisfies readonly HookName[];

const time = z.string().transform((text, context): number => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  context.addIssue({ code: "custom", message: "is no duration; write it as 500ms, 30s or 5m" });
  return z.NEVER;
});

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, "is no name of a variable").refine(
  (name) => !/^(LD_|DYLD_|DENO_|NODE_OPTIONS$|PATH$|HOME$|TMPDIR$)/.test(name),
  "must not be a variable that changes how programs are run",
);
const path = z.string().min(1).max(1_000).refine((text) => text.startsWith("/"), "must be an absolute path")
  .refine((text) => !/,|(^|\/)\.\.(\/|$)/.test(text), "must hold no comma and no ..");
const host = z.string().regex(
  /^(\*|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?)$/,
  "must be a host, or host:port, or *",
);

const toolSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, "must be 1 to 48 lower-case letters, digits or _"),
  /** What running it twice does. */
  effect: z.enum(["none", "idempotent", "once"]).default("once"),
  /** Its answers were written by strangers. */
  untrusted: z.boolean().default(true),
  /** Not to be used after reading text of strangers. */
  dangerous: z.boolean().default(false),
  /** May run beside other calls. */
  parallel: z.boolean().default(false),
  deadline: time.optional(),
});

const hookSchema = z.strictObject({
  on: z.enum(hookNames),
  deadline: time.prefault("2s"),
  /** Whether the message goes on when the hook fails or is silent. */
  on_failure: z.enum(["open", "closed"]).default("open"),
});

/** `plugin.toml`. */
export const manifestSchema = z.strictObject({
  id: extensionId,
  version: z.string().regex(/^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$/, "must be a version such as 1.0.0"),
  description: z.string().max(512).default(""),
  author: z.string().max(200).default(""),
  /** Lower runs earlier among hooks. */
  priority: z.number().int().min(-1_000).max(1_000).default(0),
  transport: z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("stdio"),
      /** `deno`: `command` is a module that our own Deno runs. `program`: it is a program. */
      runtime: z.enum(["deno", "program"]).default("program"),
      command: z.string().min(1).max(1_000),
      args: z.array(z.string().max(1_000)).max(64).default([]),
    }),
    z.strictObject({
      type: z.literal("nats"),
      subject_prefix: z.string().regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, "must be a subject").default("ext"),
    }),
  ]),
  tools: z.array(toolSchema).max(100).default([]),
  hooks: z.array(hookSchema).max(hookNames.length).default([]),
  requires: z.strictObject({
    env: z.array(variable).max(50).default([]),
    bins: z.array(z.string().regex(/^[A-Za-z0-9._+-]{1,100}$/, "must be the name of a program")).max(50).default([]),
    os: z.array(z.enum(["linux", "darwin", "windows"])).default([]),
  }).prefault({}),
  permissions: z.strictObject({
    net: z.array(host).max(100).default([]),
    read: z.array(path).max(50).default([]),
    write: z.array(path).max(50).default([]),
    env: z.array(variable).max(50).default([]),
    run: z.array(z.string().regex(/^[A-Za-z0-9._+/-]{1,200}$/, "must be a program")).max(50).default([]),
  }).prefault({}),
  limits: z.strictObject({
    memory_mb: z.number().int().min(64).max(65_536).default(1_024),
    cpu_seconds: z.number().int().min(1).max(86_400).default(600),
    processes: z.number().int().min(8).max(4_096).default(256),
    /** Calls that may be open at once. */
    calls: z.number().int().min(1).max(256).default(16),
    handshake: time.prefault("10s"),
    call: time.prefault("30s"),
  }).prefault({}),
}).superRefine(({ tools, hooks }, context) => {
  const named = [["tools", tools.map(({ name }): string => name)], [
    "hooks",
    hooks.map(({ on }): string => on),
  ]] as const;
  for (const [list, names] of named) {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) context.addIssue({ code: "custom", path: [list], message: `names ${twice} twice` });
  }
  if (tools.length + hooks.length === 0) {
    context.addIssue({ code: "custom", message: "must have at least one tool or hook" });
  }
});
/** What an extension says of itself, and what it asks for. */
export type Manifest = z.output<typeof manifestSchema>;

/**
 * Reads the text of a manifest.
 *
 * @param place Stands in the error.
 * @throws {AppError} `invalid` with every fault.
 */
export function parseManifest(text: string, place: string): Manifest {
  let data: unknown;
  try {
    data = parse(text);
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const [what = ""] = thrown.message.split("\n");
    throw new AppError("invalid", `Cannot read ${place}:${thrown.line}: ${what}. Correct the line`);
  }
  const checked = manifestSchema.safeParse(data);
  if (checked.success) return checked.data;
  const faults = checked.error.issues.slice(0, 10).map(({ path, message }) =>
    `${path.length === 0 ? "the file" : path.join(".")}: ${message}`
  );
  throw new AppError("invalid", `Cannot use ${place}: ${faults.join("; ")}`);
}

/** Reads the manifest of the extension in `folder`. @throws {AppError} `missing` or `invalid`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const place = `${folder}/${manifestName}`;
  try {
    const { size } = await Deno.stat(place);
    if (size > maxManifestBytes) throw new AppError("invalid", `${place} is larger than ${maxManifestBytes} bytes`);
    return parseManifest(await Deno.readTextFile(place), place);
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    throw kind === "missing" ? new AppError("missing", `There is no ${place}`) : new AppError(kind, message);
  }
}

/** Permissions as lines for a person to decide about. */
export function describePermissions(manifest: Manifest): readonly string[] {
  const { permissions, transport, hooks } = manifest;
  const line = (what: string, values: readonly string[]) => values.length === 0 ? [] : [`${what} ${values.join(", ")}`];
  const { net } = permissions;
  return [
    ...(transport.type === "stdio" ? [`run ${[transport.command, ...transport.args].join(" ")}`] : [
      `be reached over NATS under ${transport.subject_prefix}`,
    ]),
    ...(net.includes("*") ? ["connect to any host"] : line("connect to", net)),
    ...line("read", permissions.read),
    ...line("write", permissions.write),
    ...line("be given the variables", toVariables(manifest)),
    ...line("start", permissions.run),
    ...line("see and change what happens at", hooks.map(({ on }) => on)),
  ];
}

/** Names of all variables that it is given, where they are set. */
export function toVariables({ permissions, requires }: Manifest): readonly string[] {
  return [...new Set([...requires.env, ...permissions.env])];
}
