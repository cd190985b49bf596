import { newPairingDesk } from "../agent/pairing_desk.ts";
import {
  type PairingFilter,
  pairingsAnswerSchema,
  type PairingView,
  pairingViewSchema,
  type PairingWhom,
} from "../http/people_api.ts";
import { listPairings } from "../ledger/pairing.ts";
import { findRunning } from "./admin_client.ts";
import { newInk } from "./ink.ts";
import { changeLedger, requireLedgerFile } from "./ledger_file.ts";
import { formatPairings, sayPerson } from "./pairing_page.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every `agent pair` command about people. */
export interface PairingFlags extends DataDirFlag {
  readonly json: boolean;
}

/** Flags of `agent pair list`. */
export interface PairingListFlags extends PairingFlags {
  readonly state?: NonNullable<PairingFilter["state"]>;
  readonly limit: number;
  readonly before?: number;
}

/** Longest look into the ledger. */
const queryMs = 15_000;

/** `agent pair list`: who asked to be let in, and what was said. */
export async function listPeople(terminal: Terminal, flags: PairingListFlags): Promise<number> {
  const { state, before, limit } = flags;
  const { items, next } = await list(terminal, flags, { state, before, limit });
  if (flags.json) {
    terminal.print(toJsonText({ items, ...(next === undefined ? {} : { next }) }));
    return 0;
  }
  terminal.print(formatPairings(items, Date.now(), newInk(terminal.color)));
  if (next !== undefined) terminal.print(`There are older ones: --before ${next}\n`);
  return 0;
}

/** `agent pair approve CODE`: lets somebody in. */
export function approvePerson(terminal: Terminal, flags: PairingFlags, whom: PairingWhom): Promise<number> {
  return tell(terminal, flags, decide(terminal, flags, "approve", whom));
}

/** `agent pair deny CODE`: somebody gets no answer and no further code. */
export function denyPerson(terminal: Terminal, flags: PairingFlags, whom: PairingWhom): Promise<number> {
  return tell(terminal, flags, decide(terminal, flags, "deny", whom));
}

/** `agent pair revoke ID`: somebody who was let in is so no longer. */
export function revokePerson(terminal: Terminal, flags: PairingFlags, id: number): Promise<number> {
  return tell(terminal, flags, decide(terminal, flags, "revoke", { id }));
}

async function tell(terminal: Terminal, { json }: PairingFlags, decided: Promise<PairingView>): Promise<number> {
  const person = await decided;
  terminal.print(json ? toJsonText(person) : `${sayPerson(person)} is ${person.state}.\n`);
  return 0;
}

async function list(
  terminal: Terminal,
  flags: DataDirFlag,
  filter: PairingFilter,
): Promise<{ readonly items: readonly PairingView[]; readonly next?: number | undefined }> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  if (running !== undefined) return await running.admin.get("/api/pairings", filter, pairingsAnswerSchema);
  using ledger = await requireLedgerFile(dataDir);
  const wanted = { ...filter, limit: filter.limit + 1 };
  const found = await listPairings(ledger, wanted, Date.now(), AbortSignal.timeout(queryMs));
  const items = found.slice(0, filter.limit);
  return { items, next: found.length > items.length ? items.at(-1)?.id : undefined };
}

async function decide(
  terminal: Terminal,
  flags: DataDirFlag,
  decision: "approve" | "deny" | "revoke",
  whom: PairingWhom,
): Promise<PairingView> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  if (running !== undefined) return await running.admin.post(`/api/pairings/${decision}`, whom, pairingViewSchema);
  return await changeLedger(dataDir, (parts) => newPairingDesk(parts).decide(decision, whom, "cli"));
}
