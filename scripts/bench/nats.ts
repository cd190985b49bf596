import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { z } from "zod";
import { type NatsBus, openNatsBus } from "../../src/broker/nats.ts";
import { openLocalBus } from "../../src/broker/local.ts";
import { brokerFileSchema } from "../../src/config/broker.ts";
import type { Bus } from "../../src/core/bus.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import type { Topic } from "../../src/core/topic.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newLive } from "../../src/lib/live.ts";
import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { percentile, runLoad } from "../../tests/fixtures/load.ts";
import { type NatsServer, startNatsServer } from "../../tests/fixtures/nats_server.ts";
import { openTempDir } from "../../tests/fixtures/nexo_process.ts";
import type { Figure } from "./figure.ts";
import { mutedLog, mutedMetrics } from "./muted.ts";
import { openBenchRuntime } from "./runtime.ts";

const events = 6_000;
/** Runs by turns with and without our code: what else the machine does harms both, and one that it harms is left out. */
const rounds = 7;
const inFlight = 64;
const backlog = 100_000;
const filler = "x".repeat(900);

const payload = z.object({ sentMs: z.number(), text: z.string() });
const topic: Topic<z.output<typeof payload>> = { subject: "bench.a", payload, durable: true };
const deps = { log: mutedLog, metrics: mutedMetrics, clock: systemClock };
const newPayload = () => ({ sentMs: performance.now(), text: filler });

/** Durable events of 1 KB, 64 in flight: on the local bus, over JetStream, through the disk, and by the bare client. */
export async function measureNats(model: FakeModel): Promise<readonly Figure[]> {
  const local: Run[] = [];
  const raw: Run[] = [];
  const through: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    local.push(await measureLocal());
    raw.push(await measureRaw());
    through.push(await measureJetStream());
  }
  const shares = through.map(({ perSecond }, round) => 100 * perSecond / (raw[round]?.perSecond ?? 0));
  return [
    ...toFigures("local publish, commit, consume", local),
    ...toFigures("bare client publish, consume, ack", raw),
    ...toFigures("JetStream publish, consume, ack", through),
    {
      part: "nats",
      name: "JetStream, of the bare client's rate",
      value: percentile(shares, 0.5),
      unit: "%",
      target: { atLeast: 70 },
    },
    ...await measureSpill(),
    ...await measureTurns(model),
  ];
}

interface Run {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

/** Medians of runs. */
function toFigures(name: string, runs: readonly Run[]): Figure[] {
  const median = (valueOf: (run: Run) => number) => percentile(runs.map(valueOf), 0.5);
  const ms = (label: string, share: number): Figure => ({
    part: "nats",
    name: `${name} ${label}`,
    value: median(({ latenciesMs }) => percentile(latenciesMs, share)),
    unit: "ms",
  });
  const rate: Figure = { part: "nats", name, value: median(({ perSecond }) => perSecond), unit: "/s" };
  return [rate, ms("p50", 0.5), ms("p99", 0.99)];
}

/** Keeps 64 under way until all are sent. */
async function publishAll(send: (index: number) => Promise<unknown>, count: number): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < count) await send(next++);
  }));
}

/** Takes `count` events: each is committed to the inbox, and acknowledged, before or while it is taken. */
async function consumeAll(bus: Bus, count: number): Promise<readonly number[]> {
  const latenciesMs: number[] = [];
  for await (const { event } of bus.consume(topic, { name: "bench", signal: new AbortController().signal })) {
    latenciesMs.push(performance.now() - event.payload.sentMs);
    if (latenciesMs.length === count) break;
  }
  return latenciesMs;
}

async function time(work: () => Promise<readonly number[]>): Promise<Run> {
  const startedMs = performance.now();
  const latenciesMs = await work();
  return { latenciesMs, perSecond: latenciesMs.length / ((performance.now() - startedMs) / 1_000) };
}

const consumers = [{ name: "bench", pattern: topic.subject }] as const;

async function measureLocal(): Promise<Run> {
  await using folder = await openTempDir();
  await using ledger = await openLedger({ path: `${folder.path}/ledger.db`, ...deps });
  await using bus = openLocalBus({ ledger, consumers, ...deps });
  return await time(async () => {
    const consuming = consumeAll(bus, events);
    await publishAll(() => bus.publish(topic, newPayload()), events);
    return await consuming;
  });
}

/** The same events on the same kind of stream, by nothing but the client. */
async function measureRaw(): Promise<Run> {
  await using server = await startNatsServer();
  const [out, back] = await Promise.all([1, 2].map(() => connect({ servers: `127.0.0.1:${server.port}` })));
  if (out === undefined || back === undefined) throw new Error("no connections");
  const manager = await jetstreamManager(back);
  await manager.streams.add({ name: "RAW", subjects: [topic.subject], retention: RetentionPolicy.Workqueue });
  await manager.consumers.add("RAW", { durable_name: "raw", ack_policy: AckPolicy.Explicit, max_ack_pending: 1_024 });
  const consumer = await jetstream(back).consumers.get("RAW", "raw");
  const client = jetstream(out);
  const run = await time(async () => {
    const latenciesMs: number[] = [];
    const messages = await consumer.consume({ max_messages: 256 });
    const consuming = (async () => {
      for await (const message of messages) {
        const { payload } = message.json<{ payload: { sentMs: number } }>();
        latenciesMs.push(performance.now() - payload.sentMs);
        message.ack();
        if (latenciesMs.length === events) break;
      }
    })();
    await publishAll((index) => {
      const event = { id: `e${index}`, subject: topic.subject, source: "bench", at: "", payload: newPayload() };
      return client.publish(topic.subject, JSON.stringify(event), { msgID: event.id });
    }, events);
    await consuming;
    return latenciesMs;
  });
  await Promise.all([out.close(), back.close()]);
  return run;
}

function openBus(server: NatsServer, ledger: Ledger, owned: readonly string[]): NatsBus {
  const { broker } = brokerFileSchema.parse({ broker: { type: "nats", url: server.url } });
  if (broker.type !== "nats") throw new Error("no NATS config");
  const subjects = [{ topic }];
  const intake = { open: () => Promise.resolve() };
  return openNatsBus({
    ledger,
    consumers,
    subjects,
    owned: newLive(owned),
    inner: [],
    intake,
    config: broker,
    ...deps,
  });
}

async function untilUp({ link }: NatsBus): Promise<void> {
  if (link.state.current.state === "up") return;
  for await (const { state } of link.state.changes(AbortSignal.timeout(10_000))) if (state === "up") return;
}

async function measureJetStream(): Promise<Run> {
  await using server = await startNatsServer();
  await using folder = await openTempDir();
  await using own = await openLedger({ path: `${folder.path}/own.db`, ...deps });
  await using other = await openLedger({ path: `${folder.path}/other.db`, ...deps });
  await using publisher = openBus(server, own, []);
  await using consumer = openBus(server, other, [topic.subject]);
  await Promise.all([untilUp(publisher), untilUp(consumer)]);
  return await time(async () => {
    const consuming = consumeAll(consumer, events);
    await publishAll(() => publisher.publish(topic, newPayload()), events);
    return await consuming;
  });
}

const turns = 1_000;
const turnRounds = 5;

/** The same turns with and without NATS, which then hears of every event of every turn. */
async function measureTurns(model: FakeModel): Promise<readonly Figure[]> {
  await using server = await startNatsServer();
  await using alone = await openBenchRuntime({ modelUrl: model.baseUrl });
  await using withNats = await openBenchRuntime({ modelUrl: model.baseUrl, natsUrl: server.url });
  const run = async (runtime: typeof alone, name: string, count: number): Promise<number> => {
    const { tookMs } = await runLoad(runtime, { agent: "ana", name, turns: count, concurrency: 32, sessions: 32 });
    return count / (tookMs / 1_000);
  };
  for (const runtime of [alone, withNats]) await run(runtime, "warm", 500);
  const rates: { readonly alone: number; readonly withNats: number }[] = [];
  for (let round = 0; round < turnRounds; round++) {
    rates.push({
      alone: await run(alone, `n${round}`, turns),
      withNats: await run(withNats, `n${round}`, turns),
    });
  }
  const median = (valueOf: (rate: typeof rates[number]) => number) => percentile(rates.map(valueOf), 0.5);
  const share = median((rate) => 100 * rate.withNats / rate.alone);
  return [
    { part: "nats", name: "turns on the local bus", value: median((rate) => rate.alone), unit: "/s" },
    { part: "nats", name: "turns with NATS up", value: median((rate) => rate.withNats), unit: "/s" },
    { part: "nats", name: "turns with NATS up, of the local rate", value: share, unit: "%", target: { atLeast: 50 } },
  ];
}

/** Fills the disk while NATS is away, and drains when it is back. */
async function measureSpill(): Promise<readonly Figure[]> {
  await using server = await startNatsServer();
  await using folder = await openTempDir();
  await using ledger = await openLedger({ path: `${folder.path}/ledger.db`, ...deps });
  await using bus = openBus(server, ledger, []);
  await untilUp(bus);
  // What the first events need anyway is not what spilling costs.
  await publishAll(() => bus.publish(topic, newPayload()), 2_000);
  await server.kill();
  await publishAll(() => bus.publish(topic, newPayload()), 2_000);
  const residentBytes = Deno.memoryUsage().rss;
  let peakBytes = residentBytes;
  const startedMs = performance.now();
  await publishAll(async (index) => {
    await bus.publish(topic, newPayload());
    if (index % 1_000 === 0) peakBytes = Math.max(peakBytes, Deno.memoryUsage().rss);
  }, backlog);
  const spilledMs = performance.now() - startedMs;
  await server.start();
  await untilUp(bus);
  const upMs = performance.now();
  while (bus.status.current.mode === "nats" && bus.status.current.spilled > 0) {
    await systemClock.wait(5);
  }
  const drainedMs = performance.now() - upMs;
  const figure = (name: string, value: number, unit: string, target?: Figure["target"]): Figure => ({
    part: "nats",
    name,
    value,
    unit,
    ...(target === undefined ? {} : { target }),
  });
  return [
    figure("spill to disk", backlog / (spilledMs / 1_000), "/s"),
    figure("memory while spilling 100,000", (peakBytes - residentBytes) / 1_000_000, "MB", { atMost: 60 }),
    figure("drain of 102,000", (backlog + 2_000) / (drainedMs / 1_000), "/s", { atLeast: 5_000 }),
  ];
}
