import { newPeople } from "../app/forget.ts";
import { lockDataFolder } from "../app/lock.ts";
import { plugins } from "../app/registry.ts";
import { memoryFileSchema } from "../config/memory.ts";
import { AppError, toAppError } from "../core/error.ts";
import { type Forgotten, forgottenSchema } from "../http/people_api.ts";
import { openLedger } from "../ledger/open.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/id.ts";
import { newLive } from "../lib/live.ts";
import { openMemory } from "../memory/open.ts";
import { openWorkspaces } from "../workspace/open.ts";
import { newStderrOutput, openLog } from "../telemetry/log.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { type AdminClient, findRunning } from "./admin_client.ts";
import { ledgerPath, requireLedgerFile } from "./ledger_file.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `agent forget-person`. */
export interface ForgetFlags extends DataDirFlag {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

type Forget = (person: string, dryRun: boolean) => Promise<Forgotten>;

/** Rewriting a large ledger takes minutes. */
const forgetMs = 900_000;

/** `agent forget-person PERSON`: deletes everything of a person. Asks before, unless `--yes` is given. */
export async function forgetPerson(terminal: Terminal, flags: ForgetFlags, person: string): Promise<number> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  const forget = running === undefined ? newLocalForget(dataDir) : newRemoteForget(running.admin);
  if (!flags.dryRun && !flags.yes && !await confirm(terminal, await forget(person, true))) {
    terminal.complain("Nothing was deleted.\n");
    return 0;
  }
  const forgotten = await forget(person, flags.dryRun);
  terminal.print(flags.json ? toJsonText(forgotten) : formatForgotten(forgotten));
  return 0;
}

function newRemoteForget(admin: AdminClient): Forget {
  return (person, dryRun) =>
    admin.post("/api/people/forget", { person, dryRun }, forgottenSchema, { timeoutMs: forgetMs });
}

function newLocalForget(dataDir: string): Forget {
  return async (person, dryRun) => {
    (await requireLedgerFile(dataDir))[Symbol.dispose]();
    const clock = systemClock;
    await using log = openLog({ clock, output: newStderrOutput() }, { level: "warn", format: "auto", redact: true });
    const metrics = newMetrics(log);
    const holder = { pid: Deno.pid, bootId: newId(), startedAt: new Date().toISOString() };
    await using _lock = await lockDataFolder(dataDir, { holder });
    await using ledger = await openLedger({ path: ledgerPath(dataDir), log, metrics, clock });
    await using memory = openMemory({
      config: newLive(memoryFileSchema.parse({ long_term: { embedder: { kind: "none" } } }).long_term),
      folder: `${dataDir}/agents`,
      vectorLibrary: undefined,
      log,
      metrics,
      clock,
    });
    const folders = await listWorkspaces(dataDir);
    await using workspaces = openWorkspaces({ folders: () => folders, secrets: () => [], log, metrics, clock });
    const people = newPeople({ ledger, memory, workspaces, plugins, dataDir, withdraw: () => Promise.resolve() });
    return await people.forget(person, { dryRun }, AbortSignal.timeout(forgetMs));
  };
}

/** The workspaces in the data folder; those that a config puts elsewhere are reached while the process runs. */
async function listWorkspaces(dataDir: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const agents = `${await Deno.realPath(dataDir)}/agents`;
  try {
    for await (const { name } of Deno.readDir(agents)) found.set(name, `${agents}/${name}/workspace`);
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
  }
  return found;
}

async function confirm(terminal: Terminal, found: Forgotten): Promise<boolean> {
  terminal.complain(`${formatForgotten(found)}Delete this for good? [y/N] `);
  if (!terminal.interactive) {
    throw new AppError("invalid", "Cannot ask: nobody sits at the terminal. Add --yes");
  }
  for await (const answer of terminal.lines()) return /^y(es)?$/i.test(answer.trim());
  return false;
}

function formatForgotten({ person, dryRun, look, ...counts }: Forgotten): string {
  const lines = [
    `${sayCount(counts.sessions, "conversation")}, ${sayCount(counts.messages, "message")}, ${
      sayCount(counts.turns, "turn")
    }`,
    `${sayCount(counts.waiting, "accepted event")}, ${sayCount(counts.replies, "answer")}, ${
      sayCount(counts.deadLetters, "dead letter")
    }`,
    ...(dryRun ? [] : [sayCount(counts.facts, "fact")]),
  ];
  const papers = look.length === 0 ? [] : [
    "These papers of agents may speak of the person; read them, and their history in Git:",
    ...look.map((path) => `  ${toPlain(path)}`),
  ];
  return [
    dryRun ? `Of ${toPlain(person)} there are:` : `Of ${toPlain(person)} were deleted:`,
    ...lines.map((line) => `  ${line}`),
    ...papers,
    ...(dryRun ? [] : ["Backups that were made before still hold it."]),
    "",
  ].join("\n");
}
