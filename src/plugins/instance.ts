import type { PluginInstance } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Intake } from "../core/intake.ts";
import type { Log } from "../core/log.ts";
import { type Inbound, mediaFileSchema, receiptSchema, webhookResponseSchema } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Pairing, Plugin, PluginHealth } from "../core/plugin.ts";
import { pluginToolAnswerSchema } from "../core/plugin_tool.ts";
import { calls, defaultInstance, topics } from "../core/topics.ts";
import { withDeadline } from "../resilience/deadline.ts";
import type { ChannelRequest } from "../sdk/protocol.ts";
import { findMediaFile, readMediaPiece } from "./media_file.ts";
import { newOutgoing } from "./outgoing.ts";
import { collectSecrets } from "./secrets.ts";
import { startWorkerLife, type WorkerEnd, type WorkerLife } from "./worker_life.ts";

/** How one instance stands, for lists. */
export interface PluginInstanceView {
  readonly plugin: string;
  readonly instance: string;
  readonly state: PluginHealth["state"];
  /** A sentence for the operator; always there when the state is not `up`. */
  readonly reason?: string;
  /** Who the instance is with its provider. */
  readonly identity?: string;
  /** How to link its account, while it waits for that. */
  readonly pairing?: Pairing;
  /** Since the instance was opened. */
  readonly restarts: number;
  /** ISO 8601 UTC. */
  readonly lastInboundAt?: string;
  /** ISO 8601 UTC. */
  readonly lastOutboundAt?: string;
  /** What the worker may touch; everything else is refused. */
  readonly permissions: Deno.PermissionOptionsObject;
}

/** One instance of a plugin: its worker, started again whenever it ends. */
export interface PluginInstanceRoom extends AsyncDisposable {
  readonly view: PluginInstanceView;
  stopReceiving(): Promise<void>;
}

/** What an instance needs. */
export interface PluginInstanceDeps {
  readonly bus: Bus;
  readonly intake: Intake;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

const firstRestartMs = 1_000;
const maxRestartMs = 60_000;
/** A worker that was up for this long had nothing to do with the failures before it. */
const settledMs = 60_000;
/** More than any provider takes at once; beyond it the caller waits, not the worker's memory. */
const maxOpenRequests = 256;
const deadlinesMs = {
  send: 120_000,
  find: 15_000,
  typing: 10_000,
  webhook: 25_000,
  fetch: 120_000,
  tool: 60_000,
} as const;

/**
 * Opens `config` in the folder `stateDir` and begins to answer its calls. Does not wait for the worker.
 *
 * @throws {AppError} `conflict` when something else answers its calls; whatever the plugin's `permissions` throws.
 */
export async function openPluginInstance(
  deps: PluginInstanceDeps,
  plugin: Plugin,
  { instance, config }: PluginInstance,
  stateDir: string,
): Promise<PluginInstanceRoom> {
  const { bus, intake, metrics, clock } = deps;
  const source = `${plugin.id}.${instance}`;
  const log = deps.log.with({ plugin: plugin.id, instance });
  const labels = { plugin: plugin.id, instance };
  const permissions = toExactPermissions(plugin.permissions(config, stateDir));
  const secrets = collectSecrets(config);
  const outgoing = newOutgoing(`${stateDir}/outgoing`);
  const closing = new AbortController();
  let life: WorkerLife | undefined;
  /** What the plugin says of itself. */
  let told: PluginHealth = { state: "up" };
  /** What listeners were told last. */
  let toldText = "";
  /** Why no worker runs. */
  let downReason: string | undefined;
  let receiving = true;
  let readyAt: number | undefined;
  let nextStartAt = 0;
  let restarts = 0;
  let hung = 0;
  let lastInboundAt: string | undefined;
  let lastOutboundAt: string | undefined;

  async function receive(message: Inbound, signal: AbortSignal): Promise<void> {
    await intake.open(signal);
    const { conversation, providerMessageId } = message;
    const event = { plugin: plugin.id, instance, message };
    await bus.publish(topics.inbound(plugin.id, instance), event, {
      source,
      providerKey: { plugin: plugin.id, instance, conversation, messageId: providerMessageId },
      ...(message.traceparent === undefined ? {} : { traceparent: message.traceparent }),
    });
    lastInboundAt = new Date(clock.now()).toISOString();
  }

  function currentHealth(): PluginHealth {
    if (downReason !== undefined) return { state: "down", reason: downReason };
    if (readyAt === undefined) return { state: "starting", reason: "Its worker is starting" };
    return told.state === "up" && hung > 0 ? { ...told, reason: toHungNote(hung) } : told;
  }

  /** Says how the instance stands, where that is new. */
  function tellHealth(): void {
    const { pairing: _, ...health } = currentHealth(); // whoever holds that can link another account
    const text = JSON.stringify(health);
    if (text === toldText) return;
    toldText = text;
    bus.publish(topics.health(plugin.id), { plugin: plugin.id, instance, ...health }, { source }).catch((thrown) =>
      log.debug("plugin.health_not_told", { error: toAppError(thrown).message })
    );
  }

  function startLife(): WorkerLife {
    told = { state: "up" };
    downReason = undefined;
    tellHealth();
    const started = startWorkerLife({
      clock,
      log,
      worker: { name: source, url: plugin.worker, permissions },
      start: { instance, stateDir, config },
      owner: {
        ready() {
          readyAt = clock.monotonic();
          tellHealth();
          log.info("plugin.ready", { restarts });
        },
        alive: () => metrics.gauge("nexo_worker_up", labels, 1),
        health(health) {
          if (health.state !== told.state) log.info("plugin.health", { state: health.state, reason: health.reason });
          told = health;
          tellHealth();
        },
        receive,
        secret(name) {
          const secret = secrets.get(name);
          if (secret === undefined) throw new AppError("missing", `${source} has no secret "${name}" in its config`);
          return secret.reveal();
        },
      },
    });
    if (!receiving) started.stopReceiving();
    return started;
  }

  async function supervise(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      life = startLife();
      const end = await life.ended;
      metrics.gauge("nexo_worker_up", labels, 0);
      if (readyAt !== undefined && clock.monotonic() - readyAt >= settledMs) failures = 0;
      if (end.reason === "hung") hung++;
      readyAt = undefined;
      if (closing.signal.aborted || !await waitForRestart(end, failures)) return;
      restarts++;
      metrics.count("nexo_worker_restarts_total", { ...labels, reason: end.reason });
    }
  }

  /** Whether the worker shall be started again. */
  function waitForRestart(end: WorkerEnd, failures: number): Promise<boolean> {
    const ceilingMs = Math.min(firstRestartMs * 2 ** failures, maxRestartMs);
    // Half of it fixed, half of it random: many instances that one outage ended do not come back in step.
    const waitMs = ceilingMs / 2 + Math.random() * ceilingMs / 2;
    nextStartAt = clock.monotonic() + waitMs;
    downReason = `${end.message}. It is started again in ${Math.ceil(waitMs / 1_000)} s`;
    tellHealth();
    log.error("plugin.ended", { reason: end.reason, error: end.message, restartInMs: Math.round(waitMs) });
    return clock.wait(waitMs, closing.signal).then(() => true, () => false);
  }

  async function ask(request: ChannelRequest, signal: AbortSignal): Promise<unknown> {
    if (life === undefined || readyAt === undefined) {
      const retryAfterMs = Math.max(1_000, nextStartAt - clock.monotonic());
      throw new AppError("unavailable", `${source} is not up: ${currentHealth().reason}`, {
        retryAfterMs,
        reason: "not_up",
      });
    }
    if (life.openRequests >= maxOpenRequests) {
      metrics.count("nexo_refusals_total", { part: "plugins", reason: "too_many_requests" });
      throw new AppError("unavailable", `${source} has ${maxOpenRequests} requests open`, { retryAfterMs: 1_000 });
    }
    using deadline = withDeadline(signal, deadlinesMs[request.method], clock, `${request.method} of ${source}`);
    return await life.ask(request, deadline.signal);
  }

  function respond(answers: AsyncDisposableStack): void {
    const sends = [calls.send(plugin.id, instance)];
    if (instance === defaultInstance) sends.push(calls.send(plugin.id));
    for (const send of sends) {
      answers.use(bus.respond(send, async (message, signal) => {
        const receipt = receiptSchema.parse(await ask({ method: "send", message }, signal));
        lastOutboundAt = new Date(clock.now()).toISOString();
        return receipt;
      }));
    }
    answers.use(bus.respond(calls.find(plugin.id, instance), async ({ key }, signal) => {
      return calls.find(plugin.id, instance).output.parse(await ask({ method: "find", key }, signal));
    }));
    answers.use(bus.respond(calls.typing(plugin.id, instance), async (input, signal) => {
      return calls.typing(plugin.id, instance).output.parse(await ask({ method: "typing", ...input }, signal));
    }));
    answers.use(bus.respond(calls.webhook(plugin.id, instance), async (request, signal) => {
      return webhookResponseSchema.parse(await ask({ method: "webhook", request }, signal));
    }));
    answers.use(bus.respond(calls.fetch(plugin.id, instance), async (input, signal) => {
      const file = mediaFileSchema.parse(await ask({ method: "fetch", ...input }, signal));
      return { ...file, ...await findMediaFile(file.path, stateDir, input.maxBytes) };
    }));
    answers.use(bus.respond(calls.read(plugin.id, instance), (piece) => readMediaPiece(piece, stateDir)));
    answers.use(bus.respond(calls.tool(plugin.id, instance), async (call, signal) => {
      return pluginToolAnswerSchema.parse(await ask({ method: "tool", call }, signal));
    }));
    answers.use(bus.respond(calls.store(plugin.id, instance), (piece) => outgoing.add(piece)));
  }

  metrics.gauge("nexo_worker_up", labels, 0);
  await using opening = new AsyncDisposableStack();
  respond(opening);
  const answers = opening.move();
  const supervised = supervise();
  return {
    get view() {
      return {
        plugin: plugin.id,
        instance,
        ...currentHealth(),
        restarts,
        ...(lastInboundAt === undefined ? {} : { lastInboundAt }),
        ...(lastOutboundAt === undefined ? {} : { lastOutboundAt }),
        permissions,
      };
    },
    async stopReceiving() {
      receiving = false;
      await life?.stopReceiving();
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await answers.disposeAsync();
      await life?.[Symbol.asyncDispose]();
      await supervised;
      downReason = "It was stopped";
      tellHealth();
    },
  };
}

/** Names every permission: what the plugin does not ask for is refused, and loading code from elsewhere always is. */
function toExactPermissions(asked: Deno.PermissionOptionsObject): Deno.PermissionOptionsObject {
  const none = { read: false, write: false, net: false, env: false, sys: false, run: false, ffi: false };
  return { ...none, ...asked, import: false };
}

/** Deno cannot end a thread that spins: `terminate()` only takes its worker away. */
function toHungNote(hung: number): string {
  return `${hung} earlier workers stopped answering and were replaced. One that spins uses a core until the process restarts`;
}
