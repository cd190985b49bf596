import { AppError } from "../core/error.ts";
import type { DeadLetterFilter, DeadLetterSelection } from "../http/dead_letters_api.ts";
import { findRunning } from "./admin_client.ts";
import { formatDeadLetter, formatDeadLetters } from "./dead_letter_page.ts";
import {
  type DeadLetterAction,
  type DeadLetterDesk,
  newLocalDesk,
  newRemoteDesk,
  type Settled,
} from "./dead_letters.ts";
import { newInk } from "./ink.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { sayCount, toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every `agent dlq` command. */
export interface DlqFlags extends DataDirFlag {
  readonly json: boolean;
}

/** Flags that name dead letters by what they are. */
export interface ConditionFlags {
  readonly hop?: NonNullable<DeadLetterFilter["hop"]>;
  readonly subject?: string;
  readonly cause?: string;
  /** Milliseconds. */
  readonly olderThan?: number;
}

/** Flags of `agent dlq list`. */
export interface DlqListFlags extends DlqFlags, ConditionFlags {
  readonly limit: number;
  readonly before?: number;
}

/** Flags of `agent dlq replay` and `agent dlq purge`. */
export interface DlqActFlags extends DlqFlags, ConditionFlags {
  readonly dryRun: boolean;
}

/** `agent dlq list`. */
export async function listLetters(terminal: Terminal, flags: DlqListFlags): Promise<number> {
  const filter = { ...toConditions(flags), limit: flags.limit, before: flags.before };
  const { items, next } = await (await findDesk(terminal, flags)).list(filter);
  if (flags.json) {
    terminal.print(toJsonText({ items, ...(next === undefined ? {} : { next }) }));
    return 0;
  }
  terminal.print(formatDeadLetters(items, Date.now(), newInk(terminal.color)));
  if (next !== undefined) terminal.print(`There are older ones: --before ${next}\n`);
  return 0;
}

/** `agent dlq show ID`. */
export async function showLetter(terminal: Terminal, flags: DlqFlags, id: number): Promise<number> {
  const letter = await (await findDesk(terminal, flags)).show(id);
  terminal.print(flags.json ? toJsonText(letter) : formatDeadLetter(letter, newInk(terminal.color)));
  return 0;
}

/** `agent dlq replay`: by id, or all that meet the conditions. */
export async function replayLetters(terminal: Terminal, flags: DlqActFlags, ...ids: number[]): Promise<number> {
  const selection = toSelection("replay", ids, flags);
  return tellSettled(
    terminal,
    "replay",
    await (await findDesk(terminal, flags)).act("replay", selection, flags.dryRun),
    flags,
  );
}

/** `agent dlq purge`: by id, or all that meet the conditions. Asks before, unless told not to. */
export async function purgeLetters(
  terminal: Terminal,
  flags: DlqActFlags & { readonly yes: boolean },
  ...ids: number[]
): Promise<number> {
  const selection = toSelection("purge", ids, flags);
  const asks = !flags.yes && !flags.dryRun;
  if (asks && !terminal.interactive) {
    throw new AppError(
      "invalid",
      "Cannot purge without asking, and nobody is here to answer. Add --yes, or see first what would go: --dry-run",
    );
  }
  const desk = await findDesk(terminal, flags);
  if (asks && !await confirm(terminal, (await desk.act("purge", selection, true)).count)) {
    terminal.complain("Nothing was purged.\n");
    return 0;
  }
  return tellSettled(terminal, "purge", await desk.act("purge", selection, flags.dryRun), flags);
}

/** `agent dlq restore PURGE`. */
export async function restoreLetters(terminal: Terminal, flags: DlqFlags, purge: number): Promise<number> {
  const count = await (await findDesk(terminal, flags)).restore(purge);
  terminal.print(flags.json ? toJsonText({ count }) : `${sayCount(count, "dead letter")} brought back.\n`);
  return 0;
}

async function findDesk(terminal: Terminal, flags: DataDirFlag): Promise<DeadLetterDesk> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  return running === undefined ? newLocalDesk(dataDir) : newRemoteDesk(running.admin);
}

function toConditions({ hop, subject, cause, olderThan }: ConditionFlags) {
  return { hop, subject, cause, olderThanMs: olderThan };
}

function toSelection(action: DeadLetterAction, ids: readonly number[], flags: ConditionFlags): DeadLetterSelection {
  const filter = toConditions(flags);
  const isConditional = Object.values(filter).some((condition) => condition !== undefined);
  if (ids.length > 0 && !isConditional) return { ids };
  if (ids.length === 0 && isConditional) return { filter };
  throw new AppError(
    "invalid",
    `Cannot ${action}: name either ids (agent dlq ${action} 12 13) or conditions ` +
      `(agent dlq ${action} --hop outbound). All of them: --older-than 0s`,
  );
}

async function confirm(terminal: Terminal, count: number): Promise<boolean> {
  if (count === 0) return true;
  terminal.complain(`Purge ${sayCount(count, "dead letter")}? [y/N] `);
  for await (const answer of terminal.lines()) return /^y(es)?$/i.test(answer.trim());
  return false;
}

function tellSettled(terminal: Terminal, action: DeadLetterAction, settled: Settled, flags: DlqActFlags): number {
  const { count, purge } = settled;
  if (flags.json) {
    terminal.print(toJsonText({ count, dryRun: flags.dryRun, ...(purge === undefined ? {} : { purge }) }));
    return 0;
  }
  const done = action === "replay" ? "replayed" : "purged";
  terminal.print(`${sayCount(count, "dead letter")} ${flags.dryRun ? "would be " : ""}${done}.\n`);
  if (purge !== undefined) terminal.complain(`To take it back within ten minutes: agent dlq restore ${purge}\n`);
  return 0;
}
