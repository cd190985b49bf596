import { type Children, newChildren } from "../../src/child/open.ts";
import type { ChildSystem } from "../../src/child/system.ts";
import { type ExtensionsConfig, extensionsFileSchema } from "../../src/config/extensions.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { NatsWire } from "../../src/core/nats_wire.ts";
import type { ToolContext, ToolResult } from "../../src/core/tool.ts";
import { type Extensions, openExtensions } from "../../src/extensions/open.ts";
import type { ExtensionView } from "../../src/extensions/view.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { type LiveSource, newLive } from "../../src/lib/live.ts";
import { redact } from "../../src/telemetry/redact.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** A data folder and a search path, with the extensions in them. */
export interface ExtensionWorld extends AsyncDisposable {
  readonly dataDir: string;
  readonly searchPath: string;
  readonly installedDir: string;
  readonly config: LiveSource<ExtensionsConfig>;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  /** Writes files of an extension into the search path. Gives its folder. */
  write(id: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Opens the extensions; a second time means a restart of the process. */
  open(): Promise<Extensions>;
  /** Enables what is there under `id`, and waits until `ready` takes how it stands. */
  enable(id: string, ready?: (view: ExtensionView) => boolean): Promise<ExtensionView>;
  /** Waits until `ready` takes how `id` stands. */
  until(id: string, ready: (view: ExtensionView) => boolean): Promise<ExtensionView>;
  view(id: string): ExtensionView;
  /** Calls a tool as an agent would. */
  call(tool: string, input: unknown, signal?: AbortSignal): Promise<ToolResult>;
}

/** Options of {@linkcode openExtensionWorld}. */
export interface WorldOptions {
  readonly clock?: Clock;
  readonly env?: Readonly<Record<string, string>>;
  readonly system?: ChildSystem;
  readonly nats?: NatsWire;
}

/** Longest wait for anything, on a busy machine. */
const patienceMs = 60_000;

/** Opens an empty world. */
export async function openExtensionWorld(options: WorldOptions = {}): Promise<ExtensionWorld> {
  const { clock = systemClock, env = {}, system } = options;
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "nexo-ext-" }));
  const [dataDir, searchPath] = [`${root}/data`, `${root}/extensions`];
  await Deno.mkdir(searchPath);
  const config = newLive(extensionsFileSchema.parse({ search_paths: [searchPath] }));
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const deps = { clock: systemClock, redact };
  const children: Children = system === undefined
    ? newChildren(deps)
    : newChildren(deps, () => Promise.resolve(system));
  let room: Extensions | undefined;

  const opened = () => {
    if (room === undefined) throw new Error("open() the world first");
    return room;
  };
  const view = (id: string) => {
    const found = opened().views().find((one) => one.id === id);
    if (found === undefined) throw new Error(`there is no extension ${id}`);
    return found;
  };
  const until = async (id: string, ready: (view: ExtensionView) => boolean) => {
    const giveUp = AbortSignal.timeout(patienceMs);
    const { tools } = opened();
    for (;;) {
      const now = opened().views().find((one) => one.id === id);
      if (now !== undefined && ready(now)) return now;
      if (giveUp.aborted) throw new Error(`${id} stands so: ${JSON.stringify(now)}`);
      // How an extension stands shows in its tools as soon as it changes; what does not is asked for again.
      const soon = AbortSignal.any([giveUp, AbortSignal.timeout(20)]);
      for await (const _ of tools.changes(soon)) break;
    }
  };
  return {
    dataDir,
    searchPath,
    installedDir: `${dataDir}/extensions/installed`,
    config,
    log,
    metrics,
    view,
    until,
    async write(id, files) {
      const folder = `${searchPath}/${id}`;
      await Deno.mkdir(folder, { recursive: true });
      for (const [path, text] of Object.entries(files)) {
        await Deno.writeTextFile(`${folder}/${path}`, text, { mode: path.endsWith(".sh") ? 0o755 : 0o644 });
      }
      return folder;
    },
    async open() {
      await room?.[Symbol.asyncDispose]();
      room = await openExtensions(
        { config, dataDir, env, children, nats: options.nats, log, metrics, clock },
        new AbortController().signal,
      );
      return room;
    },
    async enable(id, ready = ({ state }) => state === "up") {
      const { hash } = await until(id, (one) => one.hash !== undefined);
      await opened().enable(id, hash ?? "");
      return await until(id, ready);
    },
    async call(name, input, signal = new AbortController().signal) {
      const tool = opened().tools.current.find((one) => one.name === name);
      if (tool === undefined) throw new Error(`there is no tool ${name}`);
      return await tool.run(input, toContext(signal, log));
    },
    async [Symbol.asyncDispose]() {
      await room?.[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** The text of a result. */
export function textOf({ content }: ToolResult): string {
  return content.map((part) => part.type === "text" ? part.text : JSON.stringify(part)).join("\n");
}

/** A manifest of a Deno extension whose module is `./main.ts`; `more` is TOML that comes after it. */
export function toManifest(id: string, tools: readonly string[], more = "", top = ""): string {
  return `id = "${id}"
version = "1.0.0"
description = "made for a test"
${top}
[transport]
type = "stdio"
runtime = "deno"
command = "./main.ts"
${tools.map((name) => `[[tools]]\nname = "${name}"\neffect = "none"\n`).join("")}
${more}`;
}

/** A module that serves `tools`: each a function body over `input` and `call`. */
export function toModule(tools: Readonly<Record<string, string>>, hooks = ""): string {
  const entries = Object.entries(tools).map(([name, body]) =>
    `${name}: { description: "${name}", input_schema: { type: "object" }, run: async (input, call) => { ${body} } }`
  );
  return `import { logExtension, serveExtension } from "nexo";
void logExtension;
await serveExtension({ tools: { ${entries.join(", ")} }, hooks: { ${hooks} } });
`;
}

function toContext(signal: AbortSignal, log: RecordedLog): ToolContext {
  return {
    agent: "ana",
    session: { agent: "ana", plugin: "console", instance: "ana", conversation: "1" },
    sessionId: "ana/console/ana/1",
    turnId: "turn",
    isGroup: false,
    idempotencyKey: "key",
    chain: [],
    deadlineAt: Date.now() + patienceMs,
    signal,
    log,
  };
}
