import assert from "node:assert/strict";
import type { z } from "zod";
import { agentSchema } from "../../src/config/agents.ts";
import type { Config } from "../../src/config/config.ts";
import { llmFileSchema } from "../../src/config/llm.ts";
import { extensionsFileSchema } from "../../src/config/extensions.ts";
import { mcpFileSchema } from "../../src/config/mcp.ts";
import { memoryFileSchema } from "../../src/config/memory.ts";
import { runtimeFileSchema } from "../../src/config/runtime.ts";
import type { Bus, BusEvent } from "../../src/core/bus.ts";
import { AppError } from "../../src/core/error.ts";
import { type Inbound, type Outbound, outboundSchema } from "../../src/core/message.ts";
import { toSessionId } from "../../src/core/session.ts";
import { calls, type inboundEventSchema, topics } from "../../src/core/topics.ts";
import type { TurnEvent } from "../../src/core/turn.ts";
import { type HttpDeps, type HttpRoom, openHttp } from "../../src/http/open.ts";
import { type LiveSource, newLive } from "../../src/lib/live.ts";
import { newRecentLog } from "../../src/telemetry/recent_log.ts";
import { type FakeBus, newFakeBus } from "../fixtures/fake_bus.ts";
import { type FakeClock, newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { type FakeTokens, newFakeRoot, newFakeTokens } from "./fake_tokens.ts";

/** The admin token of every test. */
export const token = "test-token-0123456789";

/** An open HTTP room on free ports, and what stands around it. */
export interface HttpFixture extends AsyncDisposable {
  readonly room: HttpRoom;
  readonly bus: FakeBus;
  readonly clock: FakeClock;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly config: LiveSource<Config>;
  /** Tokens beside the root token: none yet. */
  readonly tokens: FakeTokens;
  /** Asks the admin listener with the token, unless `headers` say otherwise. */
  admin(path: string, init?: RequestInit): Promise<Response>;
  /** Posts JSON to the admin listener, with the token. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The next message that was handed in for the agent, after `seen` others. */
  nextInbound(seen?: number): Promise<z.output<typeof inboundEventSchema>>;
  /** Tells the watchers of turns. */
  emit(event: TurnEvent): void;
  /** Sends a reply to an accepted message, as the outbox does. */
  reply(to: z.output<typeof inboundEventSchema>, said?: Partial<Outbound>): Promise<void>;
  /** Tells that the turn of `to` goes through `events`, then replies with their texts. */
  run(to: z.output<typeof inboundEventSchema>, texts: readonly string[]): Promise<void>;
}

/** A config with these agents and free ports. */
export function newConfig(agents: readonly string[], http: Record<string, unknown> = {}): Config {
  return {
    generation: 1,
    agents: agents.map((id) => agentSchema.parse({ id })),
    llm: llmFileSchema.parse({}),
    broker: { type: "local" },
    memory: memoryFileSchema.parse({}),
    extensions: extensionsFileSchema.parse({}),
    mcp: mcpFileSchema.parse({}),
    runtime: runtimeFileSchema.parse({
      http: { health: "127.0.0.1:0", metrics: "127.0.0.1:0", admin: "127.0.0.1:0", ...http },
    }),
    plugins: [],
  };
}

/** Opens a room whose outside is fake; `changes` replace single parts of it. */
export async function openHttpFixture(
  changes: Partial<HttpDeps> & { readonly http?: Record<string, unknown> } = {},
): Promise<HttpFixture> {
  const { http, ...replaced } = changes;
  const config = newLive(newConfig(["ana", "kate"], http));
  const bus = newFakeBus();
  const turns = newTurnFeed();
  const clock = newFakeClock();
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const tokens = newFakeTokens();
  const stop = new AbortController();
  const room = await openHttp({
    config,
    bus: { ...bus, subscribe: turns.subscribe },
    intake: { pausedBy: [], open: () => Promise.resolve() },
    log,
    metrics,
    clock,
    tracer: { start: () => ({ traceparent: undefined, set: () => {}, end: () => {} }) },
    root: newFakeRoot(token),
    tokens,
    version: "0.0.0",
    bootId: "boot-1",
    startedAt: "2026-01-01T00:00:00.000Z",
    metricsText: () => Promise.resolve("nexo_build_info 1\n"),
    status: () => [{ name: "ledger", state: "ok", critical: true }],
    agents: () => [{ id: "ana", description: "Helps", model: "demo/demo", tools: 2, hears: ["console.ana"] }],
    restartChannel: () => Promise.resolve(),
    pause: { isPaused: false, set: () => Promise.resolve() },
    channels: () => [{ plugin: "telegram", instance: "sales", state: "up", agents: ["ana"] }],
    models: () => [{ provider: "demo", model: "demo", configured: true }],
    queues: () => ({
      inbox: { depth: 0, oldestSeconds: 0 },
      outbox: { depth: 0, oldestSeconds: 0 },
      spill: { depth: 0, oldestSeconds: 0 },
      dead: { depth: 0, oldestSeconds: 0 },
    }),
    logs: newRecentLog(),
    history: {
      sessions: () => Promise.resolve({ items: [] }),
      messages: () => Promise.resolve({ items: [] }),
      search: () => Promise.resolve([]),
      export: () => ReadableStream.from<string>([]),
      turn: () => Promise.resolve(undefined),
    },
    stopTurn: () => false,
    configDesk: {
      list: () => Promise.resolve([]),
      check: () => Promise.resolve([]),
      options: () => [],
      apply: () => Promise.resolve({ result: "unchanged" }),
      past: () => Promise.resolve([]),
      readPast: () => Promise.resolve(""),
    },
    explain: () => [],
    people: { forget: () => Promise.reject(new Error("nobody is forgotten here")) },
    activity: () =>
      Promise.resolve({
        turns: { ended: 0, failed: 0, addedMs: null, modelMs: null },
        running: [],
        channels: [],
        strangers: 0,
        spentToday: [],
        models: [],
      }),
    series: () => ({
      stepMs: 60_000,
      times: [],
      messages: { received: [], sent: [] },
      turns: { answered: [], failed: [] },
      models: [],
    }),
    usage: () => Promise.resolve([]),
    busDesk: { view: () => Promise.resolve({ subjects: [], consumers: [], outbox: [], spill: [] }) },
    find: () => Promise.resolve([]),
    channelDesk: {
      conversations: () => Promise.resolve([]),
      access: () => [],
      test: () => Promise.reject(new AppError("missing", "There is no channel")),
    },
    deadLetters: {
      list: () => Promise.resolve([]),
      show: () => Promise.resolve(undefined),
      replay: () => Promise.resolve(0),
      replayEdited: () => Promise.resolve(),
      purge: () => Promise.resolve({ count: 0 }),
      restore: () => Promise.resolve(0),
    },
    mcpEndpoint: {
      handle: () => undefined,
      handleOperator: () => Promise.resolve(new Response(null, { status: 204 })),
    },
    memory: {
      remember: () => Promise.reject(new Error("nobody remembers over HTTP")),
      recall: () => Promise.resolve({ facts: [], mode: "words" }),
      list: () => Promise.resolve({ facts: [], total: 0 }),
      find: () => Promise.resolve(undefined),
      forget: () => Promise.resolve([]),
      forgetPerson: () => Promise.resolve(new Map()),
      duplicates: () => Promise.resolve([]),
      restore: () => Promise.resolve(false),
      weigh: () => Promise.resolve(),
    },
    extensions: { views: () => [], enable: () => Promise.resolve(), disable: () => Promise.resolve() },
    pairings: {
      list: () => Promise.resolve([]),
      decide: () => Promise.reject(new AppError("missing", "Nobody has this number")),
    },
    audit: { list: () => Promise.resolve([]), note: () => Promise.resolve() },
    mcp: {
      servers: () => [],
      accept: () => Promise.resolve([]),
      questions: () => [],
      answer: () => {},
      beginLogin: () => Promise.reject(new Error("no login")),
      finishLogin: () => Promise.reject(new Error("no login")),
    },
    dreams: { dream: () => Promise.resolve(undefined), takeBack: () => Promise.resolve(false) },
    workspaces: {
      of: () => {
        throw new AppError("missing", "There is no agent");
      },
    },
    tools: {
      list: () => Promise.resolve([]),
      show: () => Promise.reject(new AppError("missing", "There is no tool")),
      try: () => Promise.reject(new Error("nothing is tried here")),
    },
    findAccepted: () => undefined,
    ...replaced,
  }, stop.signal);

  const reply: HttpFixture["reply"] = async ({ plugin, instance, message }, said = {}) => {
    const sessionId = toSessionId({ agent: instance, plugin, instance, conversation: message.conversation });
    await bus.request(
      calls.send(plugin, instance),
      outboundSchema.parse({
        key: `turn-1/reply`,
        conversation: message.conversation,
        sessionId,
        turnId: "turn-1",
        inReplyTo: [message.providerMessageId],
        text: "Hello",
        ...said,
      }),
      { signal: stop.signal },
    );
    // The grace for a turn's last event.
    await clock.advance(100);
  };

  return {
    room,
    bus,
    clock,
    log,
    metrics,
    config,
    tokens,
    admin: (path, init = {}) =>
      fetch(new URL(path, room.addresses.admin), {
        redirect: "manual",
        ...init,
        headers: init.headers ?? { authorization: `Bearer ${token}` },
      }),
    post: (path, body, headers = {}) =>
      fetch(new URL(path, room.addresses.admin), {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async nextInbound(seen = 0) {
      await bus.nextEvent(() => bus.published.length > seen, stop.signal);
      const event = bus.published[seen];
      return topics.inbound("api", "ana").payload.parse(event?.payload);
    },
    emit: turns.emit,
    reply,
    async run(to, texts) {
      const base = toTurnBase(to.plugin, to.instance, to.message);
      const answers = [to.message.providerMessageId];
      turns.emit({ ...base, type: "started", answers, resumed: false });
      for (const text of texts) turns.emit({ ...base, type: "text", text });
      turns.emit({
        ...base,
        type: "ended",
        answers,
        outcome: "answered",
        text: texts.join(""),
        inputTokens: 7,
        outputTokens: 3,
        costUsd: 0,
        tookMs: 5,
      });
      await reply(to, { text: texts.join("") });
    },
    async [Symbol.asyncDispose]() {
      await room[Symbol.asyncDispose]();
      stop.abort();
    },
  };
}

/** Logs a browser in, by default with the root token; gives its cookie. */
export async function logIn(http: HttpFixture, by = token): Promise<string> {
  const response = await http.admin("/api/login", { method: "POST", headers: {}, body: JSON.stringify({ token: by }) });
  assert.equal(response.status, 200);
  await response.body?.cancel();
  return (response.headers.get("set-cookie") ?? assert.fail()).split(";", 1).join();
}

/** What every event of the turn for that message has. */
export function toTurnBase(plugin: string, agent: string, message: Inbound) {
  const sessionId = toSessionId({ agent, plugin, instance: agent, conversation: message.conversation });
  return { agent, sessionId, turnId: "turn-1" };
}

/** What a streamed answer says, event by event. */
export async function readEvents(response: Response): Promise<unknown[]> {
  const text = await response.text();
  return text.split("\n\n").flatMap((block) => {
    const data = block.split("\n").find((line) => line.startsWith("data: "))?.slice(6);
    if (data === undefined) return [];
    return [data === "[DONE]" ? data : JSON.parse(data)];
  });
}

function newTurnFeed() {
  const readers = new Set<{ readonly subject: string; readonly push: (event: BusEvent<unknown>) => void }>();
  const subscribe: Bus["subscribe"] = (topic, options = {}) => {
    const stream = new ReadableStream<BusEvent<never>>({
      start(controller) {
        const reader = {
          subject: topic.subject,
          // The topic checks the payload, which is what makes it the topic's: the type is erased only here.
          push: (event: BusEvent<unknown>) =>
            controller.enqueue({ ...event, payload: topic.payload.parse(event.payload) as never }),
        };
        readers.add(reader);
        options.signal?.addEventListener("abort", () => {
          readers.delete(reader);
          controller.close();
        }, { once: true });
      },
    });
    return {
      [Symbol.asyncIterator]: () => stream.values(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };
  const emit = (event: TurnEvent) => {
    const { subject } = topics.turn(event.agent);
    for (const reader of readers) {
      if (reader.subject !== subject) continue;
      reader.push({ id: crypto.randomUUID(), subject, source: "test", at: "2026-01-01T00:00:00.000Z", payload: event });
    }
  };
  return { subscribe, emit };
}
