import type { DurableSubject } from "../broker/envelope.ts";
import { type LeaseMemory, leaseMemorySchema, type Leases, openLeases } from "../broker/leases.ts";
import { type NatsBus, openNatsBus } from "../broker/nats.ts";
import { newNatsWire } from "../broker/nats_wire.ts";
import type { NatsConfig } from "../config/broker.ts";
import type { Config } from "../config/config.ts";
import { AppError } from "../core/error.ts";
import type { LedgerReader } from "../core/ledger.ts";
import type { SubsystemStatus } from "../core/status.ts";
import { readTextIfThere } from "../folder/files.ts";
import { defaultInstance, heartbeatEventSchema, inboundEventSchema, topics } from "../core/topics.ts";
import { newId } from "../lib/id.ts";
import { newLive } from "../lib/live.ts";
import { type BusRoom, type BusRoomDeps, consumers } from "./bus_room.ts";

/** Longest time that a start waits to learn who owns what, where the server does not answer at all, milliseconds. */
const decideMs = 1_500;

/** Plugins whose messages never leave the process: whoever asked waits on a line of its own. */
const innerPlugins = ["api", "console", "agent"] as const;

const inbound: DurableSubject = {
  topic: topics.inbound("*", "*"),
  heldBack: true,
  subjectOf(payload) {
    const { plugin, instance } = inboundEventSchema.parse(payload);
    return topics.inbound(plugin, instance).subject;
  },
  providerKey(payload) {
    const { plugin, instance, message } = inboundEventSchema.parse(payload);
    return { plugin, instance, conversation: message.conversation, messageId: message.providerMessageId };
  },
};

/** Every kind of durable event that travels between processes. */
const travelling: readonly DurableSubject[] = [
  inbound,
  { ...inbound, topic: topics.inbound("*"), whole: (subject) => `${subject}.${defaultInstance}` },
  { topic: topics.resume() },
  { topic: topics.route("*") },
  {
    topic: topics.heartbeat("*"),
    subjectOf: (payload) => topics.heartbeat(heartbeatEventSchema.parse(payload).agent).subject,
  },
];

/** The bus on NATS. It also finds out what this process owns. */
export async function openNatsRoom(deps: BusRoomDeps, broker: NatsConfig): Promise<BusRoom> {
  const { config, ledger, dataDir, bootId, log, clock } = deps;
  await using opening = new AsyncDisposableStack();
  const closing = new AbortController();
  const owned = newLive<readonly string[]>([]);
  const bus = opening.use(openNatsBus({
    ...deps,
    consumers,
    subjects: travelling,
    owned,
    inner: innerPlugins.map((plugin) => topics.inbound(plugin, "*").subject),
    config: broker,
  }));
  const wanted = newLive(toKeys(config.current));
  const memory = await readMemory(dataDir);
  const leases = opening.use(openLeases({
    link: bus.link,
    config: broker,
    wanted,
    bootId,
    host: await readHostName() ?? broker.name,
    memory,
    remember: (next) => writeMemory(dataDir, next),
    mayGiveBack: (key) => !isBusy(ledger.read, config.current, key),
    log,
    clock,
  }));
  const timer = new AbortController();
  const late = clock.wait(decideMs, timer.signal).catch(() => {/* decided in time */});
  await Promise.race([leases.decided, late]);
  timer.abort();

  const view = newLive(toOwnConfig(config.current, leases, ledger.read));
  const arrange = (): void => {
    view.set(toOwnConfig(config.current, leases, ledger.read));
    owned.set(toSubjects(config.current, leases));
  };
  arrange();
  const background = [
    (async () => {
      for await (const changed of config.changes(closing.signal)) {
        wanted.set(toKeys(changed));
        arrange();
      }
    })(),
    (async () => {
      for await (const _ of leases.held.changes(closing.signal)) arrange();
    })(),
  ];
  opening.defer(async () => {
    closing.abort(new AppError("cancelled", "The bus is closing"));
    await Promise.all(background);
  });
  const opened = opening.move();
  return {
    bus,
    wire: newNatsWire(bus.link),
    config: view,
    fill() {
      const { current } = bus.status;
      return current.mode === "nats" ? current.fill : 0;
    },
    elsewhere: {
      runs: async (agent) =>
        leases.owned().includes(toAgentKey(agent)) || await bus.isConsumed(topics.route(agent).subject),
      agents: () => leases.owned().flatMap((key) => key.startsWith(agentKey) ? [key.slice(agentKey.length)] : []),
    },
    status: () => [toBusStatus(bus), ...toLeaseStatus(leases)],
    stopReceiving: () => bus.stopReceiving(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const agentKey = "agent.";

function toAgentKey(agent: string): string {
  return `${agentKey}${agent}`;
}

function toPluginKey({ plugin, instance }: { readonly plugin: string; readonly instance: string }): string {
  return `plugin.${plugin}.${instance}`;
}

function toKeys({ agents, plugins }: Config): readonly string[] {
  return [...agents.map(({ id }) => toAgentKey(id)), ...plugins.map(toPluginKey)];
}

/** What this process runs: what it owns, and agents that have yet to answer what was accepted here. */
function toOwnConfig(config: Config, { held }: Leases, read: LedgerReader): Config {
  const runs = (key: string) => held.current.has(key) || isBusy(read, config, key);
  return {
    ...config,
    agents: config.agents.filter(({ id }) => runs(toAgentKey(id))),
    plugins: config.plugins.filter((plugin) => held.current.has(toPluginKey(plugin))),
  };
}

/** Subjects of the agents that this process owns, and of flows, which any process takes. */
function toSubjects(config: Config, { held }: Leases): readonly string[] {
  const agents = config.agents.filter(({ id }) => held.current.has(toAgentKey(id)));
  return [
    topics.resume().subject,
    ...agents.flatMap(({ id, inbound_bindings }) => [
      topics.route(id).subject,
      topics.heartbeat(id).subject,
      ...inbound_bindings.flatMap(({ plugin, instance }) => [
        topics.inbound(plugin, instance).subject,
        ...instance === defaultInstance ? [topics.inbound(plugin).subject] : [],
      ]),
    ]),
  ];
}

/** Whether the ledger holds messages that only this process can answer. */
function isBusy(read: LedgerReader, config: Config, key: string): boolean {
  const agent = config.agents.find(({ id }) => toAgentKey(id) === key);
  if (agent === undefined) return false;
  const subjects = [
    topics.route(agent.id).subject,
    topics.heartbeat(agent.id).subject,
    ...[...innerPlugins.map((plugin) => ({ plugin, instance: agent.id })), ...agent.inbound_bindings].map((
      { plugin, instance },
    ) => topics.inbound(plugin, instance).subject),
  ];
  return read.get(
    `SELECT 1 AS busy FROM inbox WHERE state = 'ready' AND subject IN (SELECT value FROM json_each(?)) LIMIT 1`,
    JSON.stringify(subjects),
  ) !== undefined;
}

function toBusStatus(bus: NatsBus): SubsystemStatus {
  const { current } = bus.status;
  const base = { name: "bus", critical: false } as const;
  if (current.mode === "local") return { ...base, state: "ok" };
  const waiting = current.spilled === 0 ? "" : ` ${current.spilled} events wait on disk and go out in order.`;
  if (current.state === "down") {
    const reason = `${current.reason ?? "NATS is away"}. What this process can do alone goes on.${waiting}`;
    return { ...base, state: current.reason === "Connecting" ? "starting" : "degraded", reason };
  }
  if (current.breaker !== "closed") {
    return {
      ...base,
      state: "degraded",
      reason: `NATS takes no events; it is tried again (breaker ${current.breaker}).${waiting}`,
    };
  }
  if (current.jetStream === false) {
    const reason = "The server has no JetStream: nobody keeps events between processes, and two processes with one " +
      "agent do not know of each other. Start it with -js";
    return { ...base, state: "degraded", reason };
  }
  return waiting === ""
    ? { ...base, state: "ok", reason: "NATS is up, its breaker is closed" }
    : { ...base, state: "degraded", reason: waiting.trim() };
}

function toLeaseStatus({ foreign }: Leases): readonly SubsystemStatus[] {
  return [...foreign.current].map(([key, { host, pid }]): SubsystemStatus => ({
    name: `lease.${key}`,
    state: "degraded",
    critical: false,
    reason: `Process ${pid} on ${host} runs it. This one takes it when that one gives it back`,
  }));
}

/** From the file, as asking the system needs a permission that nothing else does. */
async function readHostName(): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile("/etc/hostname")).trim();
  } catch {
    return undefined; // not every system has it
  }
}

const memoryFile = "leases.json";

async function readMemory(dataDir: string): Promise<LeaseMemory> {
  const path = `${dataDir}/${memoryFile}`;
  const text = await readTextIfThere(path);
  if (text === undefined) {
    const memory = { ownerId: newId(), foreign: {} };
    await writeMemory(dataDir, memory);
    return memory;
  }
  try {
    return leaseMemorySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError("invalid", `Cannot read ${path}: it was changed. Restore it from a backup`, { cause });
  }
}

async function writeMemory(dataDir: string, memory: LeaseMemory): Promise<void> {
  const path = `${dataDir}/${memoryFile}`;
  await Deno.writeTextFile(`${path}.new`, `${JSON.stringify(memory, null, 2)}\n`, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}
