import type { Confinement } from "../child/spec.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { HookName, HookPayloads, HookVerdict } from "../core/hook.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { ToolResult } from "../core/tool.ts";
import { type Live, newLive } from "../lib/live.ts";
import { askHook, type CallContext, callTool, listTools, type Offer } from "./link.ts";
import type { Manifest } from "./manifest.ts";
import type { Rpc } from "./rpc.ts";

/** An extension that has been greeted, until it is gone. Disposing it says goodbye. */
export interface Connection extends AsyncDisposable {
  readonly rpc: Rpc;
  readonly offer: Offer;
  readonly confinement: Confinement | undefined;
  /** A sentence for the operator. */
  readonly ended: Promise<string>;
  /** Ends it at once: it can be used no more, for the reason that `why` says. */
  giveUp(why: string): void;
}

/** How an extension stands at the moment. */
export type Standing =
  | { readonly state: "starting"; readonly reason: string; readonly offer: Offer | undefined }
  | { readonly state: "up"; readonly connection: Connection; readonly offer: Offer }
  | { readonly state: "restarting"; readonly reason: string; readonly offer: Offer | undefined }
  | { readonly state: "down"; readonly reason: string };

/** One extension, started again when it ends. */
export interface Supervisor extends AsyncDisposable {
  readonly standing: Live<Standing>;
  readonly restarts: number;
  /** @throws {AppError} `unavailable` while it is not up or has too many calls open; `timeout`. */
  call(
    call: { readonly name: string; readonly arguments: unknown; readonly context: CallContext },
    options: { readonly signal: AbortSignal; readonly deadlineMs: number },
  ): Promise<ToolResult>;
  /** @throws {AppError} like {@linkcode Supervisor.call}, and `invalid` for a verdict that is none. */
  ask<N extends HookName>(
    on: N,
    payload: HookPayloads[N],
    options: { readonly signal: AbortSignal; readonly deadlineMs: number },
  ): Promise<HookVerdict<HookPayloads[N]>>;
}

/** What {@linkcode superviseExtension} needs. */
export interface SupervisorDeps {
  readonly manifest: Manifest;
  /** Reaches it and greets it. */
  connect(signal: AbortSignal): Promise<Connection>;
  /** A process of ours that ends too often is given up; one that others run may come and go as it likes. */
  readonly isOurs: boolean;
  /** What stands in the status until it answers. */
  readonly starting: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

const firstRestartMs = 1_000;
const maxRestartMs = 16_000;
const maxRestarts = 5;
const restartWindowMs = 300_000;

/** Starts it and keeps it. Never fails: what is wrong stands in `standing`. */
export function superviseExtension(deps: SupervisorDeps): Supervisor {
  const { manifest, log, metrics, clock } = deps;
  const closing = new AbortController();
  const standing = newLive<Standing>({ state: "starting", reason: deps.starting, offer: undefined });
  let restarts = 0;
  let probing = false;

  async function run(): Promise<void> {
    let endings: number[] = [];
    while (!closing.signal.aborted) {
      const reason = await live();
      if (closing.signal.aborted) return;
      const now = clock.monotonic();
      endings = [...endings.filter((at) => now - at < restartWindowMs), now];
      if (deps.isOurs && endings.length > maxRestarts) {
        log.error("extension.given_up", { extension: manifest.id, endings: endings.length, error: reason });
        const text = `It ended ${endings.length} times in 5 minutes and is not started any more. ${reason}`;
        standing.set({ state: "down", reason: `${text}. Correct it, then: agent ext enable ${manifest.id}` });
        return;
      }
      const waitMs = deps.isOurs ? Math.min(firstRestartMs * 2 ** (endings.length - 1), maxRestartMs) : firstRestartMs;
      const { current } = standing;
      const offer = "offer" in current ? current.offer : undefined;
      standing.set({ state: "restarting", reason: `${reason}. It is tried again in ${waitMs / 1_000} s`, offer });
      log.warn("extension.ended", { extension: manifest.id, error: reason, restartInMs: waitMs });
      if (!await clock.wait(waitMs, closing.signal).then(() => true, () => false)) return;
      restarts++;
      standing.set({ state: "starting", reason: `${deps.starting}. Before: ${reason}`, offer });
      metrics.count("nexo_extension_restarts_total", { extension: manifest.id });
    }
  }

  /** From greeting to end. Gives why it ended. */
  async function live(): Promise<string> {
    try {
      await using connection = await deps.connect(closing.signal);
      const { offer } = connection;
      standing.set({ state: "up", connection, offer });
      log.info("extension.up", { extension: manifest.id, tools: offer.tools.length, faults: offer.faults.length });
      const stopped = Promise.withResolvers<string>();
      const stop = () => stopped.resolve("It was closed");
      closing.signal.addEventListener("abort", stop);
      const reason = await Promise.race([connection.ended, stopped.promise]);
      closing.signal.removeEventListener("abort", stop);
      return reason;
    } catch (thrown) {
      return toAppError(thrown).message;
    }
  }

  async function use<T>(work: (rpc: Rpc) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { current } = standing;
    if (current.state !== "up") {
      throw new AppError("unavailable", `The extension ${manifest.id} is not up: ${current.reason}`, {
        retryAfterMs: 1_000,
      });
    }
    const { rpc } = current.connection;
    if (rpc.open >= manifest.limits.calls) {
      metrics.count("nexo_refusals_total", { part: "extensions", reason: "too_many_calls" });
      throw new AppError("unavailable", `The extension ${manifest.id} has ${rpc.open} calls open`, {
        retryAfterMs: 1_000,
      });
    }
    try {
      return await work(rpc);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.kind === "timeout" && !signal.aborted) probe(current.connection);
      throw error;
    }
  }

  /** One that did not answer in time is asked something easy: who is silent then too is started again. */
  async function probe(connection: Connection): Promise<void> {
    if (probing) return;
    probing = true;
    try {
      const offer = await listTools(connection.rpc, manifest, closing.signal);
      const { current } = standing;
      if (current.state === "up" && current.connection === connection) standing.set({ ...current, offer });
    } catch (thrown) {
      if (!closing.signal.aborted) connection.giveUp(`It does not answer any more: ${toAppError(thrown).message}`);
    } finally {
      probing = false;
    }
  }

  const running = run();
  return {
    standing,
    get restarts() {
      return restarts;
    },
    call: (call, options) => use((rpc) => callTool(rpc, call, options), options.signal),
    ask: (on, payload, options) => use((rpc) => askHook(rpc, on, payload, options), options.signal),
    async [Symbol.asyncDispose]() {
      closing.abort(new AppError("cancelled", `The extension ${manifest.id} is closing`));
      await running;
    },
  };
}
