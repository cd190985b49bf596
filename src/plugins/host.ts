import type { PluginInstance } from "../config/config.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Plugin } from "../core/plugin.ts";
import type { SubsystemStatus } from "../core/status.ts";
import {
  openPluginInstance,
  type PluginInstanceDeps,
  type PluginInstanceRoom,
  type PluginInstanceView,
} from "./instance.ts";
import { toConfigFingerprint } from "./secrets.ts";

/** All plugin instances of the process, each in its own worker. */
export interface PluginHostRoom extends AsyncDisposable {
  /**
   * Opens what is new, closes what is gone, opens anew what has changed, and touches nothing else. Never fails: an
   * instance that cannot be opened says so in its status. Does not wait for workers to be ready.
   */
  apply(instances: readonly PluginInstance[]): Promise<void>;
  /**
   * Opens an instance anew, with its worker; with `unlink` without what linked it with its account.
   *
   * @throws {AppError} `missing` for an instance that there is not; `invalid` where there is nothing to unlink.
   */
  reopen(place: { readonly plugin: string; readonly instance: string }, unlink: boolean): Promise<void>;
  /** First half of a shutdown: no instance receives any more, all still send. */
  stopReceiving(): Promise<void>;
  status(): readonly SubsystemStatus[];
  instances(): readonly PluginInstanceView[];
}

/** What the host needs. */
export interface PluginHostDeps extends PluginInstanceDeps {
  readonly dataDir: string;
  /** Every plugin that there is. */
  readonly plugins: readonly Plugin[];
}

interface Entry {
  readonly config: PluginInstance;
  readonly fingerprint: string;
  readonly room: PluginInstanceRoom;
}

/** Opens the host, without instances until the first `apply`. When `signal` fires nothing new is opened. */
export function openPluginHost(deps: PluginHostDeps, signal: AbortSignal): Promise<PluginHostRoom> {
  const entries = new Map<string, Entry>();
  let receiving = true;
  let applied: Promise<void> = Promise.resolve();

  async function applyNow(instances: readonly PluginInstance[]): Promise<void> {
    const wanted = new Map(instances.map((config) => [`${config.plugin}.${config.instance}`, config]));
    const leaving = [...entries].filter(([name, entry]) => {
      const config = wanted.get(name);
      return config === undefined || toConfigFingerprint(config) !== entry.fingerprint;
    });
    await Promise.all(leaving.map(([name]) => close(name)));
    for (const [name, config] of wanted) {
      if (!signal.aborted && !entries.has(name)) entries.set(name, await open(config));
    }
  }

  async function open(config: PluginInstance): Promise<Entry> {
    const fingerprint = toConfigFingerprint(config);
    try {
      const plugin = deps.plugins.find(({ id }) => id === config.plugin);
      if (plugin === undefined) throw newUnknownPlugin(config.plugin, deps.plugins);
      const stateDir = await openStateDir(deps.dataDir, config);
      const room = await openPluginInstance(deps, plugin, config, stateDir);
      if (!receiving) await room.stopReceiving();
      return { config, fingerprint, room };
    } catch (thrown) {
      const { message } = toAppError(thrown);
      deps.log.error("plugin.not_opened", { plugin: config.plugin, instance: config.instance, error: message });
      deps.metrics.gauge("nexo_worker_up", { plugin: config.plugin, instance: config.instance }, 0);
      return { config, fingerprint, room: newFailedInstance(config, message) };
    }
  }

  async function reopenNow(name: string, unlink: boolean): Promise<void> {
    const entry = entries.get(name);
    if (entry === undefined) {
      throw new AppError("missing", `There is no ${name}. There are: ${[...entries.keys()].join(", ") || "none"}`);
    }
    const { config } = entry;
    const plugin = deps.plugins.find(({ id }) => id === config.plugin);
    if (unlink && plugin?.unlink === undefined) {
      throw new AppError("invalid", `${name} has no link with an account that could be taken away`);
    }
    await close(name);
    if (unlink) await plugin?.unlink?.(await openStateDir(deps.dataDir, config));
    if (!signal.aborted) entries.set(name, await open(config));
  }

  async function close(name: string): Promise<void> {
    const entry = entries.get(name);
    entries.delete(name);
    try {
      await entry?.room[Symbol.asyncDispose]();
    } catch (thrown) {
      deps.log.error("plugin.not_closed", { instance: name, error: toAppError(thrown).message });
    }
    if (entry === undefined) return;
    const { plugin, instance } = entry.config;
    deps.metrics.gauge("nexo_worker_up", { plugin, instance }, undefined);
  }

  const views = () => [...entries.values()].map(({ room }) => room.view);
  return Promise.resolve({
    apply(instances) {
      applied = applied.then(() => applyNow(instances));
      return applied;
    },
    reopen({ plugin, instance }, unlink) {
      const reopened = applied.then(() => reopenNow(`${plugin}.${instance}`, unlink));
      // Whoever asked is told; what comes after it goes on.
      applied = reopened.catch(() => {});
      return reopened;
    },
    async stopReceiving() {
      receiving = false;
      await applied;
      await Promise.all([...entries.values()].map(({ room }) => room.stopReceiving()));
    },
    status: () => views().map(toStatus),
    instances: views,
    async [Symbol.asyncDispose]() {
      await applied;
      await Promise.all([...entries.keys()].map(close));
    },
  });
}

async function openStateDir(dataDir: string, { plugin, instance }: PluginInstance): Promise<string> {
  const path = `${dataDir}/plugins/${plugin}/${instance}`;
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  await Deno.chmod(path, 0o700);
  return await Deno.realPath(path);
}

function newUnknownPlugin(name: string, plugins: readonly Plugin[]): AppError {
  const known = plugins.map(({ id }) => id).join(", ");
  return new AppError("invalid", `There is no plugin "${name}". There are: ${known}`);
}

function newFailedInstance({ plugin, instance }: PluginInstance, reason: string): PluginInstanceRoom {
  return {
    view: { plugin, instance, state: "down", reason, restarts: 0, permissions: {} },
    stopReceiving: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function toStatus({ plugin, instance, state, reason }: PluginInstanceView): SubsystemStatus {
  const common = { name: `plugin.${plugin}.${instance}`, critical: false };
  if (state !== "up") return { ...common, state, reason: reason ?? "The plugin does not say why; see its log" };
  return { ...common, state: "ok", ...(reason === undefined ? {} : { reason }) };
}
