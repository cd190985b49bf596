import type { Children } from "../child/open.ts";
import type { ExtensionsConfig } from "../config/extensions.ts";
import { openWatch } from "../config/watch.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { AnyHook } from "../core/hook.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { NatsWire } from "../core/nats_wire.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Tool } from "../core/tool.ts";
import { type Live, newLive } from "../lib/live.ts";
import { discover, type Found, type Places } from "./discovery.ts";
import { toSha256 } from "./folder.ts";
import type { Offer } from "./link.ts";
import { disableExtension, enableExtension } from "./manage.ts";
import { type Manifest, manifestName } from "./manifest.ts";
import { connectNats } from "./nats.ts";
import { toPlaces, toStateDir } from "./places.ts";
import { connectStdio } from "./stdio.ts";
import { superviseExtension, type Supervisor } from "./supervisor.ts";
import { toHooks, toTool } from "./tools.ts";
import { type ExtensionView, toFoundView } from "./view.ts";

/** All extensions of the process. */
export interface Extensions extends AsyncDisposable {
  /** Tools of the extensions that are up. */
  readonly tools: Live<readonly Tool[]>;
  readonly hooks: Live<readonly AnyHook[]>;
  status(): readonly SubsystemStatus[];
  views(): readonly ExtensionView[];
  /** Enables what was shown under `hash`. @throws {AppError} `missing`, `conflict`, `denied`. */
  enable(id: string, hash: string): Promise<void>;
  /** @throws {AppError} `missing` */
  disable(id: string): Promise<void>;
}

/** What {@linkcode openExtensions} needs. */
export interface ExtensionsDeps {
  readonly config: Live<ExtensionsConfig>;
  readonly dataDir: string;
  /** The process's own environment, from which granted variables come. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly children: Children;
  /** Absent where NATS is not used. */
  readonly nats: NatsWire | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

interface Entry {
  readonly found: Found;
  readonly fingerprint: string;
  /** Absent where it must not run. */
  readonly supervisor: Supervisor | undefined;
  /** Fires when it is closed. */
  readonly gone?: AbortController;
  /** Tools of the newest offer, kept so that each stays the same object. */
  built: { readonly offer: Offer; readonly tools: readonly Tool[] } | undefined;
  readonly hooks: readonly AnyHook[];
}

/** Quiet time after a change of files before they are read. */
const debounceMs = 300;
/** How long the first turns may wait for extensions that are still being greeted. */
const firstWaitMs = 3_000;

/**
 * Opens the extensions that are enabled, and follows their files and the config. Waits a little until those that start
 * have answered. Never fails because of one of them.
 */
export async function openExtensions(deps: ExtensionsDeps, signal: AbortSignal): Promise<Extensions> {
  const { config, log, metrics, clock } = deps;
  const closing = new AbortController();
  const stopped = AbortSignal.any([closing.signal, signal]);
  const entries = new Map<string, Entry>();
  const tools = newLive<readonly Tool[]>([]);
  const hooks = newLive<readonly AnyHook[]>([]);
  let refused: readonly string[] = [];
  let applied: Promise<void> = Promise.resolve();
  let scanFault: string | undefined;

  async function applyNow(): Promise<void> {
    if (closing.signal.aborted) return;
    const wanted = new Map<string, Found>();
    if (config.current.enabled) {
      for (const one of await discover(placesOf(deps))) wanted.set(`${one.id} ${one.folder}`, one);
    }
    const fingerprint = (one: Found) => toFingerprint(one, deps);
    const leaving = [...entries].filter(([key, { fingerprint: before }]) => {
      const one = wanted.get(key);
      return one === undefined || fingerprint(one) !== before;
    });
    await Promise.all(leaving.map(([key]) => close(key)));
    for (const [key, one] of wanted) if (!entries.has(key)) entries.set(key, open(one, fingerprint(one)));
    gather();
  }

  function open(found: Found, fingerprint: string): Entry {
    const { id, manifest, fault } = found;
    if (manifest === undefined || fault !== undefined) {
      if (found.enabled) log.warn("extension.skipped", { extension: id, error: fault ?? "" });
      return { found, fingerprint, supervisor: undefined, built: undefined, hooks: toClosedHooks(found) };
    }
    const supervisor = superviseExtension({ ...deps, manifest, ...toTransport(manifest, found.folder, deps) });
    const gone = new AbortController();
    follow(supervisor, id, gone.signal);
    return { found, fingerprint, supervisor, gone, built: undefined, hooks: toHooks(manifest, supervisor.ask) };
  }

  async function follow(supervisor: Supervisor, id: string, gone: AbortSignal): Promise<void> {
    metrics.gauge("nexo_extension_up", { extension: id }, 0);
    for await (const { state } of supervisor.standing.changes(gone)) {
      metrics.gauge("nexo_extension_up", { extension: id }, state === "up" ? 1 : 0);
      gather();
    }
  }

  async function close(key: string): Promise<void> {
    const entry = entries.get(key);
    entries.delete(key);
    entry?.gone?.abort();
    await entry?.supervisor?.[Symbol.asyncDispose]();
    if (entry !== undefined) metrics.gauge("nexo_extension_up", { extension: entry.found.id }, undefined);
  }

  /** Puts together what all offer now. Who was enabled first keeps a name that two would have. */
  function gather(): void {
    const taken = new Map<string, Tool>();
    const clashes: string[] = [];
    for (const entry of sortByAge(entries.values())) {
      for (const tool of toolsOf(entry)) {
        if (taken.has(tool.name)) clashes.push(`${entry.found.id} ${tool.name}`);
        else taken.set(tool.name, tool);
      }
    }
    for (const clash of clashes) if (!refused.includes(clash)) log.warn("extension.tool_refused", { tool: clash });
    refused = clashes;
    tools.set([...taken.values()]);
    hooks.set([...entries.values()].flatMap((entry) => entry.hooks));
  }

  function toView({ found, supervisor }: Entry): ExtensionView {
    const { id, fault } = found;
    const standing = supervisor?.standing.current;
    const connection = standing?.state === "up" ? standing.connection : undefined;
    const clashes = refused.filter((clash) => clash.startsWith(`${id} `)).map((clash) =>
      `cannot have the name ${clash.split(" ")[1]}`
    );
    const faults = standing?.state === "up" ? [...standing.offer.faults, ...clashes] : [];
    const reason = fault ?? (standing !== undefined && "reason" in standing ? standing.reason : undefined) ??
      (faults.length > 0 ? `It ${faults.join("; ")}` : undefined);
    const own = entries.get(`${found.id} ${found.folder}`)?.built?.tools ?? [];
    const { reason: _none, ...view } = toFoundView(found);
    return {
      ...view,
      state: standing === undefined
        ? "off"
        : standing.state === "up" && faults.length > 0
        ? "degraded"
        : standing.state,
      ...(reason === undefined ? {} : { reason }),
      ...(connection?.confinement === undefined ? {} : { confinement: connection.confinement }),
      ...(standing === undefined
        ? {}
        : { tools: own.filter((tool) => tools.current.includes(tool)).map(({ name }) => name) }),
      restarts: supervisor?.restarts ?? 0,
    };
  }

  function apply(): Promise<void> {
    applied = applied.then(applyNow).then(() => {
      scanFault = undefined;
    }, (thrown) => {
      scanFault = toAppError(thrown).message;
      log.error("extensions.not_read", { error: scanFault });
    });
    return applied;
  }

  async function followFiles(): Promise<void> {
    while (!stopped.aborted) {
      const before = config.current;
      const folders = await existingFolders(placesOf(deps));
      await using watch = openWatch(folders);
      if (watch.failure !== undefined) log.warn("extensions.not_watched", { error: watch.failure });
      const stop = new AbortController();
      const either = AbortSignal.any([stopped, stop.signal]);
      const configChanged = nextChange(config, either);
      for (let seen = watch.count; !stopped.aborted && config.current === before;) {
        await Promise.race([watch.changed(seen).catch(() => configChanged), configChanged]);
        do seen = watch.count; while (
          await clock.wait(debounceMs, stopped).then(() => seen !== watch.count, () => false)
        );
        await apply();
      }
      stop.abort();
      await configChanged;
    }
  }

  await Deno.mkdir(placesOf(deps).installedDir, { recursive: true, mode: 0o755 });
  const following = followFiles().catch((thrown) => {
    log.error("extensions.not_watched", { error: toAppError(thrown).message });
  });
  await apply();
  await settled([...entries.values()], clock, stopped);

  const views = () => [...entries.values()].map(toView);
  return {
    tools,
    hooks,
    views,
    status: () => [
      ...(scanFault === undefined
        ? []
        : [{ name: "extensions", state: "degraded" as const, reason: scanFault, critical: false }]),
      ...views().flatMap(toStatus),
    ],
    async enable(id, hash) {
      await enableExtension(placesOf(deps), id, hash, clock.now());
      await apply();
    },
    async disable(id) {
      await disableExtension(placesOf(deps), id);
      await apply();
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new AppError("cancelled", "The extensions are closing"));
      await following;
      await applied;
      await Promise.all([...entries.keys()].map(close));
    },
  };
}

function placesOf({ config, dataDir, env }: ExtensionsDeps): Places {
  return toPlaces(config.current, dataDir, env);
}

function toTransport(manifest: Manifest, folder: string, deps: ExtensionsDeps) {
  const { variable } = placesOf(deps);
  const stateDir = toStateDir(deps.dataDir, manifest.id);
  const { transport } = manifest;
  if (transport.type === "nats") {
    const starting = deps.nats === undefined
      ? "It is reached over NATS, which is not used: set broker.type to nats in broker.yaml"
      : `It waits to be announced on ${transport.subject_prefix}.registry.announce`;
    return {
      isOurs: false,
      starting,
      connect: (signal: AbortSignal) => connectOverNats(manifest, folder, deps, signal),
    };
  }
  const own = { manifest, folder, stateDir, variable: (name: string) => variable(manifest.id, name) };
  return {
    isOurs: true,
    starting: "It is starting",
    connect: (signal: AbortSignal) => connectStdio({ ...deps, ...own }, signal),
  };
}

async function connectOverNats(manifest: Manifest, folder: string, deps: ExtensionsDeps, signal: AbortSignal) {
  if (deps.nats === undefined) return await untilAborted(signal);
  const manifestHash = await toSha256(await Deno.readFile(`${folder}/${manifestName}`));
  return await connectNats({ ...deps, manifest, manifestHash, wire: deps.nats }, signal);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Changes with everything that an extension was started with. Holds secrets: it is only compared. */
function toFingerprint({ id, hash, startedAt, fault, enabled, manifest }: Found, deps: ExtensionsDeps): string {
  const { variable } = placesOf(deps);
  const values = [...manifest?.requires.env ?? [], ...manifest?.permissions.env ?? []].map((name) =>
    variable(id, name)
  );
  return JSON.stringify([hash, startedAt, fault, enabled, values]);
}

/** A guard that must not be missing stops what it would have looked at, also while it cannot run. */
function toClosedHooks({ manifest, agreed, fault }: Found): readonly AnyHook[] {
  if (manifest === undefined || !agreed) return [];
  const closed = manifest.hooks.filter(({ on_failure }) => on_failure === "closed");
  return toHooks({ ...manifest, hooks: closed }, () => {
    return Promise.reject(new AppError("unavailable", `The extension ${manifest.id} does not run: ${fault}`));
  });
}

function toolsOf(entry: Entry): readonly Tool[] {
  const { supervisor, found: { manifest } } = entry;
  const standing = supervisor?.standing.current;
  if (supervisor === undefined || manifest === undefined || standing === undefined || !("offer" in standing)) return [];
  const { offer } = standing;
  if (offer === undefined) return [];
  if (entry.built?.offer !== offer) {
    entry.built = { offer, tools: offer.tools.map((tool) => toTool(manifest, tool, supervisor)) };
  }
  return entry.built.tools;
}

function sortByAge(entries: Iterable<Entry>): Entry[] {
  const age = ({ found }: Entry) => `${found.enabledAt ?? "9"} ${found.id}`;
  return [...entries].sort((one, other) => age(one) < age(other) ? -1 : 1);
}

function toStatus({ id, state, reason, enabled }: ExtensionView): SubsystemStatus[] {
  if (!enabled) return [];
  const common = { name: `extension.${id}`, critical: false, ...(reason === undefined ? {} : { reason }) };
  switch (state) {
    case "up":
      return [{ ...common, state: "ok" }];
    case "starting":
      return [{ ...common, state: "starting" }];
    case "degraded":
    case "restarting":
      return [{ ...common, state: "degraded" }];
    case "off":
    case "down":
      return [{ ...common, state: "down" }];
  }
}

async function existingFolders({ installedDir, searchPaths }: Places): Promise<readonly string[]> {
  const real = await Promise.all([installedDir, ...searchPaths].map((path) =>
    Deno.realPath(path).catch((thrown) => {
      if (toAppError(thrown).kind === "missing") return undefined;
      throw toAppError(thrown);
    })
  ));
  return real.filter((path) => path !== undefined);
}

async function nextChange<T>(live: Live<T>, signal: AbortSignal): Promise<void> {
  for await (const _ of live.changes(signal)) return;
}

/** Resolves when none of them is being started for the first time any more, or after a while. */
async function settled(entries: readonly Entry[], clock: Clock, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const all = entries.map(async ({ supervisor }) => {
    if (supervisor?.standing.current.state === "starting") {
      await nextChange(supervisor.standing, AbortSignal.any([signal, stop.signal]));
    }
  });
  await Promise.race([
    Promise.all(all),
    clock.wait(firstWaitMs, AbortSignal.any([signal, stop.signal])).catch(
      () => {/* all have answered, or the process stops */},
    ),
  ]);
  stop.abort();
  await Promise.all(all);
}
