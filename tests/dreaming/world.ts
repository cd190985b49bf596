import { agentsFileSchema } from "../../src/config/agents.ts";
import type { Config } from "../../src/config/config.ts";
import { memoryFileSchema } from "../../src/config/memory.ts";
import { withDreams } from "../../src/app/dreaming.ts";
import type { Dreams } from "../../src/core/dream.ts";
import type { Ledger, Statement } from "../../src/core/ledger.ts";
import type { Fact, Memory, NewFact } from "../../src/core/memory.ts";
import type { Workspace } from "../../src/core/workspace.ts";
import { type AskForAgent, openDreams } from "../../src/dreaming/open.ts";
import { newLive } from "../../src/lib/live.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { openMemory } from "../../src/memory/open.ts";
import { openWorkspaces } from "../../src/workspace/open.ts";
import { type FakeClock, newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { newConfig } from "../agent/room.ts";

/** Dreaming over a real memory, a real workspace and a real ledger; only the model is scripted. */
export interface World extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly memory: Memory;
  readonly ledger: Ledger;
  readonly dreams: Dreams;
  /** Texts that the model was given. */
  readonly asked: readonly string[];
  workspace(): Workspace;
  remember(text: string, fact?: Partial<NewFact>): Promise<Fact>;
  /** Recalls a text so often. */
  recall(text: string, times: number): Promise<void>;
  facts(): Promise<readonly Fact[]>;
  dream(dryRun?: boolean): ReturnType<Dreams["dream"]>;
  read(path: string): Promise<string>;
  /** Resolves when so many dreams have ended so, in all lives. */
  untilDreamt(result: "done" | "reverted", count: number): Promise<void>;
  /** The next commit of the ledger that `isIt` takes does not happen, and nothing after it: a process that dies. */
  dieAt(isIt: (unit: readonly Statement[]) => boolean): void;
  /** A new process on the same files. */
  restart(): Promise<void>;
}

/** How a {@linkcode World} differs from the plain one. */
export interface WorldOptions {
  readonly dreaming?: Readonly<Record<string, unknown>>;
  readonly answer?: (text: string) => string;
}

const signal = () => AbortSignal.timeout(60_000);
const operator = { kind: "operator" } as const;

/** Opens a {@linkcode World} with one agent, `ana`. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "dream-test-" }));
  await Deno.mkdir(`${dir}/agents`);
  const clock = newFakeClock();
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const asked: string[] = [];
  const agents =
    agentsFileSchema.parse({ agents: [{ id: "ana", dreaming: { fade_after: "1h", ...options.dreaming } }] }).agents;
  const config = newLive<Config>({ ...newConfig({}), agents });
  let dies: ((unit: readonly Statement[]) => boolean) | undefined;
  let keys = 0;

  const open = async () => {
    const stack = new AsyncDisposableStack();
    const { long_term } = memoryFileSchema.parse({ long_term: { embedder: { kind: "none" } } });
    const memory = stack.use(openMemory({
      config: newLive(long_term),
      folder: `${dir}/agents`,
      vectorLibrary: undefined,
      log,
      metrics,
      clock,
    }));
    const folders = new Map([["ana", `${dir}/agents/ana/workspace`]]);
    const workspaces = stack.use(openWorkspaces({ folders: () => folders, secrets: () => [], log, metrics, clock }));
    const real = stack.use(await openLedger({ path: `${dir}/ledger.db`, log, metrics, clock }));
    let dead = false;
    const ledger: Ledger = {
      ...real,
      commit(unit) {
        if (dies?.(unit) === true) dead = true;
        return dead ? Promise.reject(new Error("the process is dead")) : real.commit(unit);
      },
    };
    const ask: AskForAgent = (agent, { text }) => {
      asked.push(text);
      const used = {
        sql: "INSERT INTO usage VALUES (?, '2026-01-01', 'fake', 'm', 1, 7, 5, 0, 0, 0)",
        values: [agent],
      };
      return Promise.resolve({ text: options.answer?.(text) ?? "", used });
    };
    const dreams = stack.use(openDreams({ config, memory, workspaces, ledger, ask, log, metrics, clock }));
    return { memory, ledger, dreams, workspaces: withDreams(workspaces, dreams), stack };
  };
  let life = await open();

  return {
    clock,
    log,
    metrics,
    asked,
    get memory() {
      return life.memory;
    },
    get ledger() {
      return life.ledger;
    },
    get dreams() {
      return life.dreams;
    },
    workspace: () => life.workspaces.of("ana"),
    remember: (text, fact = {}) =>
      life.memory.remember(
        "ana",
        {
          text,
          tags: [],
          importance: 0.5,
          audience: "everyone",
          supersedes: [],
          key: `key-${++keys}`,
          ...fact,
        },
        operator,
        signal(),
      ),
    async recall(text, times) {
      for (let time = 0; time < times; time++) {
        await life.memory.recall("ana", { text, limit: 1, counts: true }, operator, signal());
      }
    },
    facts: async () => (await life.memory.list("ana", { limit: 500, all: true }, operator, signal())).facts,
    dream: (dryRun = false) => life.dreams.dream("ana", { dryRun }, signal()),
    read: (path) => life.workspaces.of("ana").read(path, "operator"),
    untilDreamt: (result, count) =>
      metrics.untilWritten("nexo_dreams_total", { agent: "ana", result }, count, signal()),
    dieAt: (isIt) => dies = isIt,
    async restart() {
      dies = undefined;
      await life.stack.disposeAsync();
      life = await open();
    },
    async [Symbol.asyncDispose]() {
      await life.stack.disposeAsync();
      await Deno.remove(dir, { recursive: true });
    },
  };
}
