import { type Agents, openAgents } from "../../src/agent/open.ts";
import { newSkillHost, type SkillHost } from "../../src/agent/skill_file.ts";
import { agentConsumers } from "../../src/agent/inbox.ts";
import { type LocalBus, openLocalBus } from "../../src/broker/local.ts";
import { agentsFileSchema } from "../../src/config/agents.ts";
import type { Config } from "../../src/config/config.ts";
import { llmFileSchema } from "../../src/config/llm.ts";
import { extensionsFileSchema } from "../../src/config/extensions.ts";
import { mcpFileSchema } from "../../src/config/mcp.ts";
import { memoryFileSchema } from "../../src/config/memory.ts";
import { runtimeFileSchema } from "../../src/config/runtime.ts";
import { AppError } from "../../src/core/error.ts";
import type { AnyHook } from "../../src/core/hook.ts";
import type { Ledger, LedgerReader, Row, Statement } from "../../src/core/ledger.ts";
import type { LlmChunk, LlmPrice, LlmRequest } from "../../src/core/llm.ts";
import { inboundSchema, type Outbound, type Receipt } from "../../src/core/message.ts";
import type { Tool } from "../../src/core/tool.ts";
import { calls, topics } from "../../src/core/topics.ts";
import type { TurnEvent } from "../../src/core/turn.ts";
import { type LiveSource, newLive } from "../../src/lib/live.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { type FakeClock, newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { newWatch } from "../fixtures/watch.ts";

/** What the model does with its `number`th request, from 1. */
export type Script = (
  request: LlmRequest,
  number: number,
  signal: AbortSignal,
) => AsyncIterable<LlmChunk> | Iterable<LlmChunk> | string;

/** What a channel does with its `number`th message, from 1. */
export type Sending = (message: Outbound, number: number, signal: AbortSignal) => Promise<Receipt>;

/** How a {@linkcode Room} differs from the plain one. */
export interface RoomOptions {
  /** As in agents.yaml; `id: ana` hears `telegram.sales` unless said otherwise. */
  readonly agents?: readonly Readonly<Record<string, unknown>>[];
  readonly runtime?: Readonly<Record<string, unknown>>;
  readonly script?: Script;
  readonly sending?: Sending;
  readonly tools?: readonly Tool[];
  readonly hooks?: readonly AnyHook[];
  readonly price?: (provider: string, model: string) => LlmPrice | undefined;
  /** As in memory.yaml. */
  readonly memory?: Readonly<Record<string, unknown>>;
  readonly contextWindow?: number;
  /** Told each choice of a model, as the config has it. */
  readonly onResolve?: (choice: unknown) => void;
  readonly idempotent?: boolean;
  readonly find?: (key: string) => Promise<Receipt | undefined>;
  readonly maxBytes?: number;
  /** Stands between the agents and what they read by key. */
  readonly wrapRead?: (read: LedgerReader) => LedgerReader;
  readonly skillHost?: SkillHost;
}

/** The agents at work over a real ledger, between a model and a channel that a test scripts. */
export interface Room extends AsyncDisposable {
  readonly config: LiveSource<Config>;
  readonly clock: FakeClock;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly ledger: Ledger;
  readonly bus: LocalBus;
  readonly agents: Agents;
  /** The data folder. */
  readonly dir: string;
  /** Every request to the model, in all lives of the room. */
  readonly requests: readonly LlmRequest[];
  /** Every message that the channel was asked to send, in all lives of the room. */
  readonly sent: readonly Outbound[];
  /** Units committed in this life. */
  readonly units: readonly (readonly Statement[])[];
  readonly events: readonly TurnEvent[];
  /** Publishes a message of `telegram.sales`, as the plugin host does. */
  say(
    text: string,
    message?: Readonly<Record<string, unknown>>,
    place?: { plugin?: string; instance?: string },
  ): Promise<void>;
  /** Resolves when `find` gives something; asked again whenever anything happens in the room. */
  until<T>(find: () => T | undefined): Promise<T>;
  /** Resolves when the channel was asked to send so many messages. */
  untilSent(count: number): Promise<readonly Outbound[]>;
  /** Resolves when nothing waits in inbox or outbox. */
  untilIdle(): Promise<void>;
  rows(sql: string): readonly Row[];
  /** Texts of the requests: of each the last message. */
  asked(): readonly string[];
  /** The wall clock is set back; durations go on. */
  turnClockBack(ms: number): void;
  configure(options: Pick<RoomOptions, "agents" | "runtime">): void;
  /** From the unit on that `isLast` takes, the ledger takes nothing and answers nobody: a process that has died. */
  dieAt(isLast: (unit: readonly Statement[]) => boolean, when: "before" | "after"): Promise<void>;
  /** Ends this life without letting anything finish, and begins the next one on the same files. */
  restart(changes?: Partial<RoomOptions>): Promise<void>;
}

const usage = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };

/** The end of a good answer. */
export function finish(tokens: Partial<typeof usage> = {}): LlmChunk {
  return { type: "finish", reason: "stop", usage: { ...usage, ...tokens }, provider: "fake", model: "m" };
}

/** An answer that calls tools, with `text` before. */
export function callTools(names: readonly (string | readonly [string, unknown])[], text = ""): LlmChunk[] {
  const toolCalls = names.map((entry, index): LlmChunk => {
    const [name, input] = typeof entry === "string" ? [entry, {}] : entry;
    return { type: "toolCall", call: { id: `call-${index}`, name, input } };
  });
  return [...(text === "" ? [] : [{ type: "text", text } as const]), ...toolCalls, finish()];
}

/** The last message of a request, as text. */
export function lastText({ messages }: LlmRequest): string {
  const last = messages.at(-1);
  if (last === undefined) return "";
  switch (last.role) {
    case "user":
      return last.content.map((part) => part.type === "text" ? part.text : "[image]").join("");
    case "assistant":
      return last.text;
    case "tool":
      return last.results.map(({ content }) => content.map((part) => part.type === "text" ? part.text : "").join(""))
        .join("|");
  }
}

/** A tool that does what `run` says. */
export function newTool(name: string, change: Partial<Tool> = {}): Tool {
  return {
    name,
    description: name,
    inputSchema: { type: "object" },
    effect: "none",
    run: () => Promise.resolve({ content: [{ type: "text", text: `${name} done` }] }),
    ...change,
  };
}

/** Makes a config out of what would stand in the files. */
export function newConfig(
  { agents, runtime = {}, memory = {} }: Pick<RoomOptions, "agents" | "runtime" | "memory">,
  generation = 1,
): Config {
  const binding = { plugin: "telegram", instance: "sales", open: true };
  const list = (agents ?? [{}]).map((agent, index) => ({
    ...(index === 0 ? { id: "ana", inbound_bindings: [binding] } : {}),
    ...agent,
    config: { debounce_ms: 0, typing: false, ...(agent["config"] as Record<string, unknown> | undefined) },
  }));
  return {
    generation,
    agents: agentsFileSchema.parse({ agents: list }).agents,
    llm: llmFileSchema.parse({}),
    broker: { type: "local" },
    memory: memoryFileSchema.parse(memory),
    extensions: extensionsFileSchema.parse({}),
    mcp: mcpFileSchema.parse({}),
    runtime: runtimeFileSchema.parse(runtime),
    plugins: [],
  };
}

/** Opens a {@linkcode Room} on files of its own. */
export async function openRoom(first: RoomOptions = {}): Promise<Room> {
  const dir = await Deno.makeTempDir({ prefix: "agent-test-" });
  let options = first;
  const steady = newFakeClock();
  let backMs = 0;
  const clock: FakeClock = {
    now: () => steady.now() - backMs,
    monotonic: steady.monotonic,
    wait: steady.wait,
    advance: steady.advance,
    skip: steady.skip,
    untilWaiting: steady.untilWaiting,
    get waiting() {
      return steady.waiting;
    },
  };
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const { changed, until } = newWatch();
  const requests: LlmRequest[] = [];
  const sent: Outbound[] = [];
  const events: TurnEvent[] = [];
  let units: (readonly Statement[])[] = [];
  let messageNumber = 0;
  let generation = 1;
  let plan: { isLast(unit: readonly Statement[]): boolean; when: "before" | "after"; died(): void } | undefined;
  const config = newLive(newConfig(options));

  const openLife = async () => {
    let dead = false;
    const corpse = Promise.withResolvers<never>();
    corpse.promise.catch(() => {}); // whoever waits for the dead is told when they are cleared away
    const silence = () => corpse.promise;
    const real = await openLedger({ path: `${dir}/ledger.db`, maxBytes: options.maxBytes, log, metrics, clock });
    const ledger: Ledger = {
      read: options.wrapRead?.(real.read) ?? real.read,
      query: real.query,
      scrub: real.scrub,
      status: real.status,
      sizeBytes: real.sizeBytes,
      async commit(unit) {
        if (dead) return await silence();
        const isLast = plan?.isLast(unit) === true;
        if (isLast && plan?.when === "before") {
          dead = true;
          plan.died();
          return await silence();
        }
        units.push(unit);
        if (isLast) dead = true;
        const rows = await real.commit(unit).finally(() => queueMicrotask(changed));
        if (isLast) plan?.died();
        return dead ? await silence() : rows;
      },
      [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
    };
    const bus = openLocalBus({ ledger, consumers: agentConsumers, log, metrics, clock });
    const send: Sending = options.sending ??
      ((message) => Promise.resolve({ providerMessageIds: [`sent:${message.key}`] }));
    const places = new Set(
      config.current.agents.flatMap((agent) =>
        agent.inbound_bindings.map(({ plugin, instance }) => `${plugin} ${instance}`)
      ),
    );
    for (const place of [...places, "api ana", "console ana"]) {
      const [plugin = "", instance = ""] = place.split(" ");
      bus.respond(calls.send(plugin, instance), (message, signal) => {
        if (dead) return silence();
        sent.push(message);
        changed();
        return send(message, sent.length, signal);
      });
      bus.respond(calls.find(plugin, instance), async ({ key }) => ({ receipt: await options.find?.(key) }));
    }
    const watching = (async () => {
      for await (const { payload } of bus.subscribe(topics.turn("*"))) {
        if (!dead) events.push(payload);
        changed();
      }
    })();
    const agents = openAgents({
      elsewhere: { runs: () => Promise.resolve(false), agents: () => [] },
      config,
      bus,
      ledger,
      tools: newLive(options.tools ?? []),
      hooks: newLive(options.hooks ?? []),
      resolveModel: (_, choice) => (options.onResolve?.(choice), {
        provider: {
          id: "fake",
          async *stream(request, signal) {
            if (dead) return await silence();
            requests.push({ ...request, messages: [...request.messages] });
            changed();
            const answer = options.script?.(request, requests.length, signal) ?? `answer to ${lastText(request)}`;
            if (typeof answer !== "string") return yield* answer;
            yield { type: "text", text: answer };
            yield finish();
          },
        },
        providerId: "fake",
        model: "m",
        images: true,
        contextWindow: options.contextWindow ?? 100_000,
        price: options.price ?? (() => undefined),
      }),
      traits: (plugin) =>
        plugin === "nowhere" ? undefined : {
          idempotentSend: ["api", "console", "agent"].includes(plugin) || (options.idempotent ?? true),
          typing: true,
        },
      log,
      metrics,
      clock,
      tracer: { start: () => ({ traceparent: undefined, set: () => {}, end: () => {} }) },
      bootId: crypto.randomUUID(),
      shelves: { stateDir: dir, skillsDir: `${dir}/skills` },
      skillHost: options.skillHost ?? newSkillHost({}),
    });
    return {
      ledger,
      bus,
      agents,
      kill: () => dead = true,
      async close() {
        if (dead) corpse.reject(new AppError("cancelled", "This life is over"));
        let isClosed = false;
        const closed = agents[Symbol.asyncDispose]().then(() => isClosed = true);
        // What still hangs is given up when the budget for it is used up.
        while (!isClosed) await clock.advance(1_000);
        await closed;
        await bus[Symbol.asyncDispose]();
        await watching;
        await real[Symbol.asyncDispose]();
      },
    };
  };
  let life = await openLife();
  const rows = (sql: string) => life.ledger.read.all(sql).map((row) => ({ ...row }));
  const wait = <T>(find: () => T | undefined) => until(find, AbortSignal.timeout(60_000));

  return {
    config,
    clock,
    log,
    metrics,
    dir,
    requests,
    sent,
    events,
    get units() {
      return units;
    },
    get ledger() {
      return life.ledger;
    },
    get bus() {
      return life.bus;
    },
    get agents() {
      return life.agents;
    },
    async say(text, message = {}, { plugin = "telegram", instance = "sales" } = {}) {
      const inbound = inboundSchema.parse({
        conversation: "7",
        providerMessageId: `m${++messageNumber}`,
        sender: { id: "42", name: "Eva" },
        text,
        ...message,
      });
      const { conversation, providerMessageId: messageId } = inbound;
      await life.bus.publish(topics.inbound(plugin, instance), { plugin, instance, message: inbound }, {
        source: `${plugin}.${instance}`,
        providerKey: { plugin, instance, conversation, messageId },
      });
    },
    until: wait,
    untilSent: (count) => wait(() => sent.length >= count ? sent : undefined),
    untilIdle: () =>
      wait(() => {
        const open = rows(
          `SELECT 1 FROM inbox WHERE state = 'ready' UNION ALL SELECT 1 FROM outbox WHERE state IN ('queued', 'sending')`,
        );
        return open.length === 0 ? true : undefined;
      }).then(() => undefined),
    rows,
    asked: () => requests.map(lastText),
    turnClockBack: (ms) => void (backMs += ms),
    configure(changes) {
      config.set(newConfig(changes, ++generation));
    },
    dieAt(isLast, when) {
      const { promise, resolve } = Promise.withResolvers<void>();
      plan = { isLast, when, died: resolve };
      return promise;
    },
    async restart(changes = {}) {
      life.kill();
      plan = undefined;
      options = { ...options, ...changes };
      if (changes.agents !== undefined || changes.runtime !== undefined) config.set(newConfig(options, ++generation));
      await life.close();
      units = [];
      life = await openLife();
    },
    async [Symbol.asyncDispose]() {
      await life.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** An error of the model. */
export function newModelError(kind: "unavailable" | "denied" | "timeout" | "bug" = "unavailable"): AppError {
  return new AppError(kind, "the model is away");
}

/** A model that says nothing until it is told to stop. */
export async function* hang(_request: LlmRequest, _number: number, signal: AbortSignal): AsyncGenerator<LlmChunk> {
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  yield finish();
}
