import { lockDataFolder } from "../app/lock.ts";
import { openMemoryFiles } from "../app/memory_room.ts";
import { AppError } from "../core/error.ts";
import { type Fact, type FactPage, type Memory, type Recalled, type Viewer } from "../core/memory.ts";
import { factPageSchema, factSchema, recalledSchema } from "../core/memory.ts";
import { type FactFilterRequest, forgetAnswerSchema } from "../http/memory_api.ts";
import { toFilter } from "../http/memory.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/id.ts";
import { openLog } from "../telemetry/log.ts";
import { newStderrOutput } from "../telemetry/log.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { type AdminClient, findRunning } from "./admin_client.ts";
import { newInk } from "./ink.ts";
import { formatFact, formatFacts, formatRecalled } from "./memory_page.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every `agent memory` command. */
export interface MemoryFlags extends DataDirFlag {
  readonly json: boolean;
}

/** `agent memory list AGENT`. */
export async function listFacts(
  terminal: Terminal,
  flags: MemoryFlags & FactFilterRequest & { readonly limit: number; readonly after?: string; readonly all: boolean },
  agent: string,
): Promise<number> {
  await using desk = await openDesk(terminal, flags);
  const page = await desk.list(agent, flags);
  terminal.print(flags.json ? toJsonText(page) : formatFacts(page, Date.now(), newInk(terminal.color)));
  return 0;
}

/** `agent memory search AGENT WORDS`. */
export async function searchFacts(
  terminal: Terminal,
  flags: MemoryFlags & FactFilterRequest & { readonly limit: number },
  agent: string,
  ...words: string[]
): Promise<number> {
  if (words.length === 0) throw new AppError("invalid", "Say what to look for: agent memory search ana door code");
  await using desk = await openDesk(terminal, flags);
  const found = await desk.search(agent, { ...flags, q: words.join(" ") });
  terminal.print(flags.json ? toJsonText(found) : formatRecalled(found, Date.now(), newInk(terminal.color)));
  return 0;
}

/** `agent memory show AGENT ID`. */
export async function showFact(terminal: Terminal, flags: MemoryFlags, agent: string, id: string): Promise<number> {
  await using desk = await openDesk(terminal, flags);
  const fact = await desk.show(agent, id);
  terminal.print(flags.json ? toJsonText(fact) : formatFact(fact, newInk(terminal.color)));
  return 0;
}

/** `agent memory forget AGENT ID…`: for good. Asks before, unless told not to. */
export async function forgetFacts(
  terminal: Terminal,
  flags: MemoryFlags & { readonly yes: boolean },
  agent: string,
  ...ids: string[]
): Promise<number> {
  if (ids.length === 0) {
    throw new AppError("invalid", "Name the facts: agent memory forget ana ID. See: agent memory list ana");
  }
  if (!flags.yes && !terminal.interactive) {
    throw new AppError("invalid", "Cannot forget without asking, and nobody is here to answer. Add --yes");
  }
  await using desk = await openDesk(terminal, flags);
  if (!flags.yes && !await confirm(terminal, ids.length)) {
    terminal.complain("Nothing was forgotten.\n");
    return 0;
  }
  const forgotten = await desk.forget(agent, ids);
  const unknown = ids.filter((id) => !forgotten.includes(id));
  terminal.print(flags.json ? toJsonText({ forgotten }) : `${sayCount(forgotten.length, "fact")} forgotten.\n`);
  if (unknown.length === 0) return 0;
  throw new AppError(
    "missing",
    `${agent} knows no fact ${unknown.map(toPlain).join(", ")}. See: agent memory list ${agent}`,
  );
}

interface FactDesk extends AsyncDisposable {
  list(agent: string, query: FactFilterRequest & { limit: number; after?: string; all: boolean }): Promise<FactPage>;
  search(agent: string, query: FactFilterRequest & { q: string; limit: number }): Promise<Recalled>;
  show(agent: string, id: string): Promise<Fact>;
  forget(agent: string, ids: readonly string[]): Promise<readonly string[]>;
}

async function openDesk(terminal: Terminal, flags: DataDirFlag): Promise<FactDesk> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  return running === undefined ? await openLocalDesk(dataDir) : newRemoteDesk(running.admin);
}

function newRemoteDesk(admin: AdminClient): FactDesk {
  const base = (agent: string) => `/api/agents/${encodeURIComponent(agent)}/memory`;
  const filterOf = ({ tag, person, since, before }: FactFilterRequest) => ({ tag, person, since, before });
  return {
    list: (agent, query) => {
      const { limit, after, all } = query;
      const flags = { limit, after, all: all ? "1" : undefined };
      return admin.get(base(agent), { ...filterOf(query), ...flags }, factPageSchema);
    },
    search: (agent, query) =>
      admin.get(`${base(agent)}/search`, { ...filterOf(query), q: query.q, limit: query.limit }, recalledSchema),
    show: (agent, id) => admin.get(`${base(agent)}/${encodeURIComponent(id)}`, {}, factSchema),
    forget: async (agent, ids) => (await admin.post(`${base(agent)}/forget`, { ids }, forgetAnswerSchema)).forgotten,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const operator: Viewer = { kind: "operator" };
const askMs = 15_000;

/** The files themselves, where nothing runs. Who makes vectors stands in a config, so facts are found by their words. */
async function openLocalDesk(dataDir: string): Promise<FactDesk> {
  await using opening = new AsyncDisposableStack();
  const clock = systemClock;
  const holder = { pid: Deno.pid, bootId: newId(), startedAt: new Date().toISOString() };
  const requireFile = async (agent: string): Promise<string> => {
    if (await isFile(`${dataDir}/agents/${agent}/memory.db`)) return agent;
    throw new AppError("missing", `There is no memory of an agent ${toPlain(agent)} in ${dataDir}`);
  };
  await Deno.stat(dataDir).catch(() => {
    throw new AppError("unavailable", `There is no data folder ${dataDir}. Name one with --data or AGENT_DATA`);
  });
  opening.use(await lockDataFolder(dataDir, { holder }));
  const log = opening.use(
    openLog({ clock, output: newStderrOutput() }, { level: "warn", format: "auto", redact: true }),
  );
  const memory: Memory = opening.use(openMemoryFiles({ dataDir, log, metrics: newMetrics(log), clock }));
  const owned = opening.move();
  const deadline = () => AbortSignal.timeout(askMs);
  return {
    list: async (agent, { limit, after, all, ...filter }) =>
      await memory.list(await requireFile(agent), { ...toFilter(filter), limit, after, all }, operator, deadline()),
    search: async (agent, { q, limit, ...filter }) => {
      const query = { ...toFilter(filter), text: q, limit, counts: false };
      return await memory.recall(await requireFile(agent), query, operator, deadline());
    },
    async show(agent, id) {
      const fact = await memory.find(await requireFile(agent), id, operator, deadline());
      if (fact !== undefined) return fact;
      throw new AppError("missing", `${agent} knows no fact ${toPlain(id)}. See: agent memory list ${agent}`);
    },
    forget: async (agent, ids) => await memory.forget(await requireFile(agent), ids, operator, deadline()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function confirm(terminal: Terminal, count: number): Promise<boolean> {
  terminal.complain(`Forget ${sayCount(count, "fact")} for good? [y/N] `);
  for await (const answer of terminal.lines()) return /^y(es)?$/i.test(answer.trim());
  return false;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return false;
    throw thrown;
  }
}
