import { z } from "zod";
import type { LongTermConfig } from "../config/memory.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { type Embedder, factPageSchema, factSchema, type Memory, type Recalled } from "../core/memory.ts";
import type { Metrics } from "../core/metrics.ts";
import type { SubsystemStatus } from "../core/status.ts";
import { newId } from "../lib/id.ts";
import type { Live } from "../lib/live.ts";
import { withDeadline } from "../resilience/deadline.ts";
import { openEmbedder } from "./embedders.ts";
import { type Indexer, newIndexer } from "./indexer.ts";
import type { FileCall, MemoryStart } from "./protocol.ts";
import { newWorkerLink } from "./worker_link.ts";

/** What {@linkcode openMemory} needs. */
export interface MemoryDeps {
  readonly config: Live<LongTermConfig>;
  /** Folder with one folder an agent. */
  readonly folder: string;
  /** Path of the sqlite-vec library; absent: there is none for this machine. */
  readonly vectorLibrary: string | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** How HTTP is spoken. @default {globalThis.fetch} */
  readonly fetch?: typeof globalThis.fetch;
  /** Source of jitter, from 0 to below 1. @default {Math.random} */
  readonly random?: () => number;
}

/** Long-term memory of all agents. */
export interface MemoryRoom extends Memory, AsyncDisposable {
  status(): readonly SubsystemStatus[];
}

/** What the config is for: a name that could be a folder elsewhere never gets to the worker. */
const agentPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const maxTags = 32;
const maxTagChars = 64;
const maxQuestionChars = 4_000;

const factsSchema = z.array(factSchema);
const pendingSchema = z.array(z.object({ row: z.number(), text: z.string() }));
const textsSchema = z.array(z.string());

/** Opens long-term memory. Its worker starts with the first question, and an agent's file is opened with its first. */
export function openMemory(deps: MemoryDeps): MemoryRoom {
  const { config, folder, log, metrics, clock, fetch = globalThis.fetch, random = Math.random } = deps;
  const stop = new AbortController();
  let vectorFault: string | undefined;
  let damagedFiles: readonly string[] = [];

  const link = newWorkerLink({
    clock,
    log,
    metrics,
    name: "memory",
    make() {
      // Whoever runs the program without --allow-ffi finds facts by their words.
      const ffi = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
      return new Worker(new URL("./worker.ts", import.meta.url), {
        type: "module",
        name: "memory",
        deno: {
          permissions: {
            read: [folder],
            write: [folder],
            ffi,
            net: false,
            env: false,
            run: false,
            sys: false,
            import: false,
          },
        },
      });
    },
    start() {
      const { max_facts: maxFacts, max_bytes: maxBytes, idle_close: idleMs } = config.current;
      return { folder, vectorLibrary: deps.vectorLibrary, maxFacts, maxBytes, idleMs } satisfies MemoryStart;
    },
    onNotice(notice) {
      const said = noticeSchema.parse(notice);
      if (said.type === "ready") {
        if (said.vectorFault !== undefined && vectorFault === undefined) {
          log.warn("memory.vectors_off", { reason: said.vectorFault });
        }
        vectorFault = said.vectorFault;
        return;
      }
      if (said.type === "trouble") {
        log.warn("memory.uses_not_written", { agent: said.agent, error: said.error.message });
        return;
      }
      damagedFiles = [...damagedFiles, said.movedTo];
      metrics.count("nexo_refusals_total", { part: "memory", reason: "damaged" });
      log.error("memory.damaged", { agent: said.agent, movedTo: said.movedTo, error: said.reason });
    },
  });

  const ask = async (agent: string, call: FileCall, signal: AbortSignal): Promise<unknown> => {
    if (!agentPattern.test(agent)) throw new AppError("missing", `There is no agent ${JSON.stringify(agent)}`);
    const request = { type: "call", agent, call };
    try {
      return await link.ask(request, signal);
    } catch (thrown) {
      // Every call may be made twice: a lost worker has done it or not, and its successor finds out.
      if (toAppError(thrown).reason !== "worker_lost") throw thrown;
      return await link.ask(request, signal);
    }
  };

  /** Agents that were asked for since the process began. */
  const awake = new Set<string>();
  let embedding = openEmbedding();
  const followed = followConfig();
  /** With its first question an agent gets the vectors that an earlier process, or another embedder, left undone. */
  const wakeOnce = (agent: string) => {
    if (awake.has(agent)) return;
    awake.add(agent);
    embedding.indexer?.wake(agent);
  };

  function openEmbedding(): Embedding {
    const { embedder: settings } = config.current;
    const embedder = openEmbedder(settings, { clock, log, metrics, fetch, random });
    const indexer = embedder && newIndexer({
      embedder,
      batchSize: settings.batch_size,
      clock,
      log,
      async pending(agent, limit, signal) {
        return pendingSchema.parse(await ask(agent, { method: "pending", model: embedder.id, limit }, signal));
      },
      async putVectors(agent, vectors, signal) {
        await ask(agent, { method: "putVectors", model: embedder.id, vectors }, signal);
        metrics.count("nexo_memory_indexed_total", { agent }, vectors.length);
      },
    });
    return {
      embedder,
      indexer,
      questionTimeoutMs: settings.question_timeout,
      async [Symbol.asyncDispose]() {
        await indexer?.[Symbol.asyncDispose]();
        await embedder?.[Symbol.asyncDispose]();
      },
    };
  }

  async function followConfig(): Promise<void> {
    for await (const _changed of config.changes(stop.signal)) {
      const before = embedding;
      embedding = openEmbedding();
      for (const agent of awake) embedding.indexer?.wake(agent);
      await before[Symbol.asyncDispose]();
      await link.restart();
    }
  }

  /** The vector of a question, or why there is none. A recall does not fail for want of it. */
  async function embedQuestion(
    text: string,
    signal: AbortSignal,
  ): Promise<{ vector: Float32Array; model: string } | { reason: string }> {
    const { embedder, questionTimeoutMs } = embedding;
    if (embedder === undefined) return { reason: "long_term.embedder is none" };
    if (vectorFault !== undefined) return { reason: `vectors cannot be searched here: ${vectorFault}` };
    using deadline = withDeadline(signal, questionTimeoutMs, clock, `The embedder ${embedder.id}`);
    try {
      const [vector] = await embedder.embed([text], "question", deadline.signal);
      return vector === undefined ? { reason: `the embedder ${embedder.id} made no vector` } : {
        vector,
        model: embedder.id,
      };
    } catch (thrown) {
      signal.throwIfAborted();
      return { reason: toAppError(thrown).message };
    }
  }

  async function measure<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const startedMs = clock.monotonic();
    try {
      const result = await work();
      metrics.count("nexo_memory_calls_total", { operation, result: "ok" });
      return result;
    } catch (thrown) {
      const error = toAppError(thrown);
      metrics.count("nexo_memory_calls_total", { operation, result: error.kind });
      if (error.kind === "invalid") {
        metrics.count("nexo_refusals_total", { part: "memory", reason: error.reason ?? "invalid" });
      }
      throw error;
    } finally {
      metrics.observe("nexo_memory_seconds", { operation }, (clock.monotonic() - startedMs) / 1_000);
    }
  }

  return {
    remember(agent, fact, viewer, signal) {
      return measure("remember", async () => {
        checkLength("A fact", fact.text, config.current.max_fact_chars);
        checkTags(fact.tags);
        checkImportance(fact.importance);
        if (fact.audience === "person" && fact.person === undefined) {
          throw new AppError("invalid", "A fact for one person needs the person who told it");
        }
        const nowMs = clock.now();
        const call: FileCall = { method: "remember", fact, viewer, id: newId(nowMs), nowMs };
        const stored = factSchema.parse(await ask(agent, call, signal));
        awake.add(agent);
        embedding.indexer?.wake(agent);
        return stored;
      });
    },
    recall(agent, query, viewer, signal) {
      return measure("recall", async (): Promise<Recalled> => {
        checkLength("A question", query.text, maxQuestionChars);
        checkTags(query.tags ?? []);
        wakeOnce(agent);
        const asked = await embedQuestion(query.text, signal);
        const nowMs = clock.now();
        const recall = async (vector: { vector: Float32Array; model: string } | undefined) =>
          factsSchema.parse(
            await ask(agent, { method: "recall", query: { ...query, ...vector }, viewer, nowMs }, signal),
          );
        if ("reason" in asked) return { facts: await recall(undefined), mode: "words", reason: asked.reason };
        try {
          const facts = await recall(asked);
          // The worker says whether it can search vectors with its first answer.
          return vectorFault === undefined ? { facts, mode: "hybrid" } : { facts, mode: "words", reason: vectorFault };
        } catch (thrown) {
          const error = toAppError(thrown);
          if (error.reason !== "wrong_dimension") throw error;
          return { facts: await recall(undefined), mode: "words", reason: error.message };
        }
      });
    },
    list(agent, query, viewer, signal) {
      return measure("list", async () => {
        checkTags(query.tags ?? []);
        return factPageSchema.parse(await ask(agent, { method: "list", query, viewer }, signal));
      });
    },
    find(agent, id, viewer, signal) {
      return measure(
        "find",
        async () => factSchema.optional().parse(await ask(agent, { method: "find", id, viewer }, signal)),
      );
    },
    forget(agent, ids, viewer, signal) {
      return measure(
        "forget",
        async () => textsSchema.parse(await ask(agent, { method: "forget", ids, viewer }, signal)),
      );
    },
    forgetPerson(person, signal) {
      return measure("forget_person", async () => {
        const forgotten = new Map<string, readonly string[]>();
        for (const agent of textsSchema.parse(await link.ask({ type: "agents" }, signal))) {
          const texts = textsSchema.parse(await ask(agent, { method: "forgetPerson", person }, signal));
          if (texts.length > 0) forgotten.set(agent, texts);
        }
        return forgotten;
      });
    },
    duplicates(agent, limit, signal) {
      return measure(
        "duplicates",
        async () => z.array(factsSchema).parse(await ask(agent, { method: "duplicates", limit }, signal)),
      );
    },
    restore(agent, id, signal) {
      return measure("restore", async () => {
        const isDone = z.boolean().parse(await ask(agent, { method: "restore", id }, signal));
        embedding.indexer?.wake(agent);
        return isDone;
      });
    },
    weigh(agent, weights, signal) {
      return measure("weigh", async () => {
        for (const { importance } of weights) checkImportance(importance);
        await ask(agent, { method: "weigh", weights }, signal);
        embedding.indexer?.wake(agent);
      });
    },
    status() {
      const faults = [
        vectorFault === undefined ? undefined : `Facts are found by their words only: ${vectorFault}`,
        embedding.indexer?.fault && `New facts have no vector yet: ${embedding.indexer.fault.message}`,
        damagedFiles.length === 0 ? undefined : `Damaged files were set aside: ${damagedFiles.join(", ")}`,
      ].filter((fault) => fault !== undefined);
      return faults.length === 0
        ? [{ name: "memory", state: "ok", critical: false }]
        : [{ name: "memory", state: "degraded", critical: false, reason: faults.join(". ") }];
    },
    async [Symbol.asyncDispose]() {
      stop.abort("disposed");
      await followed;
      await embedding[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}

interface Embedding extends AsyncDisposable {
  readonly embedder: Embedder | undefined;
  readonly indexer: Indexer | undefined;
  readonly questionTimeoutMs: number;
}

const noticeSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), vectorFault: z.string().optional() }),
  z.object({ type: z.literal("trouble"), agent: z.string(), error: z.object({ message: z.string() }) }),
  z.object({ type: z.literal("damaged"), agent: z.string(), movedTo: z.string(), reason: z.string() }),
]);

function checkLength(what: string, text: string, maxChars: number): void {
  if (text.trim() === "") throw new AppError("invalid", `${what} must not be empty`);
  if (text.length <= maxChars) return;
  throw new AppError("invalid", `${what} of ${text.length} characters is too long: at most ${maxChars}. Shorten it`, {
    reason: "too_long",
  });
}

function checkTags(tags: readonly string[]): void {
  if (tags.length > maxTags) {
    throw new AppError("invalid", `${tags.length} tags are too many: at most ${maxTags}`, { reason: "too_many_tags" });
  }
  const long = tags.find((tag) => tag.length > maxTagChars || tag.trim() === "");
  if (long === undefined) return;
  throw new AppError("invalid", `A tag of ${long.length} characters: it must have 1 to ${maxTagChars}`, {
    reason: "bad_tag",
  });
}

function checkImportance(importance: number): void {
  if (importance >= 0 && importance <= 1) return;
  throw new AppError("invalid", `The importance ${importance} is not between 0 and 1`);
}
