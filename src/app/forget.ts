import { AppError, toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Memory } from "../core/memory.ts";
import type { Plugin } from "../core/plugin.ts";
import { parseSessionId } from "../core/session.ts";
import type { Workspaces } from "../core/workspace.ts";
import { listNames, removeIfThere } from "../folder/files.ts";
import type { Forgotten } from "../http/people_api.ts";
import type { People } from "../http/views.ts";
import { findPerson, findReceivedFiles, forgetTraces, type PersonTraces } from "../ledger/forget.ts";

/** What {@linkcode newPeople} uses. */
export interface PeopleDeps {
  readonly ledger: Ledger;
  readonly memory: Pick<Memory, "forgetPerson">;
  readonly workspaces: Workspaces;
  readonly plugins: readonly Plugin[];
  readonly dataDir: string;
  /** Stops answering what the person has said; resolves when no turn is under way. */
  withdraw(person: string, sessions: readonly string[]): Promise<void>;
}

/** Papers in which an agent may have written about a person. */
const papers = ["USER.md", "MEMORY.md", "DREAMS.md"] as const;

/** What can be done for one person: to delete what there is. */
export function newPeople(deps: PeopleDeps): People {
  return {
    async forget(person, { dryRun }, signal) {
      if (!/^[a-z0-9_-]+:./.test(person)) {
        throw new AppError(
          "invalid",
          `Cannot forget ${person}: write plugin:id, such as telegram:4711. Ids stand in the log, and in sessions export`,
        );
      }
      const seen = await findPerson(deps.ledger, person, signal);
      if (dryRun) return await toForgotten(person, seen, 0, deps.dataDir, dryRun);
      await deps.withdraw(person, seen.sessions);
      // Again, as a turn that ended meanwhile has left more.
      const traces = await findPerson(deps.ledger, person, signal);
      const facts = await deps.memory.forgetPerson(person, signal);
      await forgetPapers(traces, facts, deps.workspaces);
      await forgetFiles(person, traces, deps);
      for (const { agent, path } of await findReceivedFiles(deps.ledger, traces, signal)) {
        await removeIfThere(`${deps.dataDir}/agents/${agent}/${path}`);
      }
      const forgotten = await toForgotten(
        person,
        traces,
        sum([...facts.values()].map((texts) => texts.length)),
        deps.dataDir,
        dryRun,
      );
      for (const unit of forgetTraces(person, traces)) {
        signal.throwIfAborted();
        await deps.ledger.commit(unit);
      }
      await deps.ledger.scrub();
      return forgotten;
    },
  };
}

async function toForgotten(
  person: string,
  { sessions, sharedSessions, messages, turns, events, routes, outbox, dead, spill }: PersonTraces,
  facts: number,
  dataDir: string,
  dryRun: boolean,
): Promise<Forgotten> {
  const agents = new Set(
    [...sessions, ...sharedSessions].map((id) => parseSessionId(id)?.agent).filter((id) => id !== undefined),
  );
  return {
    person,
    dryRun,
    sessions: sessions.length,
    messages: messages.length,
    turns: turns.length,
    waiting: events.length + routes.length + spill.length,
    replies: outbox.length,
    deadLetters: dead.length,
    facts,
    look: await listPapers([...agents], dataDir),
  };
}

/** What agents wrote into their workspaces in the person's own conversations, and facts that a dream put there. */
async function forgetPapers(
  { sessions }: PersonTraces,
  facts: ReadonlyMap<string, readonly string[]>,
  workspaces: Workspaces,
): Promise<void> {
  const agents = new Set([...sessions.map((id) => parseSessionId(id)?.agent), ...facts.keys()]);
  for (const agent of agents) {
    if (agent === undefined) continue;
    try {
      await workspaces.of(agent).forget({ sessions, texts: facts.get(agent) ?? [] });
    } catch (thrown) {
      // An agent that is gone from the config has no workspace that could be opened; its papers are named.
      if (toAppError(thrown).kind !== "missing") throw thrown;
    }
  }
}

/** What plugins keep, files that came with messages, and copies of the ledger from before an upgrade. */
async function forgetFiles(
  person: string,
  { outbox, files }: PersonTraces,
  { plugins, dataDir }: PeopleDeps,
): Promise<void> {
  const [id = "", senderId] = [person.slice(0, person.indexOf(":")), person.slice(person.indexOf(":") + 1)];
  const plugin = plugins.find((one) => one.id === id);
  const keys = outbox.map(({ key }) => key);
  for (const instance of await listNames(`${dataDir}/plugins/${id}`)) {
    const folder = `${dataDir}/plugins/${id}/${instance}`;
    // Files have no names that tell whose they are, and are fetched again for whoever needs one.
    for (const name of await listNames(`${folder}/media`)) await removeIfThere(`${folder}/media/${name}`);
    for (const name of files) await removeIfThere(`${folder}/outgoing/${name}`);
    if ((await listNames(folder)).includes("journal.db")) await plugin?.forget?.(folder, { senderId, keys });
  }
  for (const name of await listNames(dataDir)) {
    if (name.startsWith("ledger.db.before-")) await removeIfThere(`${dataDir}/${name}`);
  }
}

/** Nobody but a reader can tell what of a paper is about whom, so the operator is told where to look. */
async function listPapers(agents: readonly string[], dataDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const agent of agents) {
    const folder = `${dataDir}/agents/${agent}/workspace`;
    const names = await listNames(folder);
    found.push(...papers.filter((name) => names.includes(name)).map((name) => `${folder}/${name}`));
  }
  return found;
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
