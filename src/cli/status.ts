import { errorKinds } from "../core/error.ts";
import type { Queues } from "../http/status_api.ts";
import { readQueueDepths } from "../ledger/queues.ts";
import { findRunning, startCommand } from "./admin_client.ts";
import { newInk } from "./ink.ts";
import { openLedgerFile } from "./ledger_file.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toJsonText } from "./say.ts";
import { formatQueues, formatStatusPage } from "./status_page.ts";
import type { Terminal } from "./terminal.ts";

const notReadyCode = 1;

/** `agent status`: how the running process stands; without one, what its ledger holds. */
export async function showStatus(
  terminal: Terminal,
  flags: DataDirFlag & { readonly json: boolean },
): Promise<number> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  if (running === undefined) return await showStopped(terminal, dataDir, flags.json);
  const { status, console } = running;
  terminal.print(
    flags.json
      ? toJsonText({ running: true, console, ...status })
      : formatStatusPage({ status, console, nowMs: Date.now(), columns: terminal.columns }, newInk(terminal.color)),
  );
  return status.ready ? 0 : notReadyCode;
}

async function showStopped(terminal: Terminal, dataDir: string, json: boolean): Promise<number> {
  const queues = await readQueues(dataDir);
  if (json) terminal.print(toJsonText({ running: false, dataDir, queues: queues ?? null }));
  else {
    terminal.print(`Nothing runs on ${dataDir}. Start it: ${startCommand(dataDir)}\n`);
    if (queues !== undefined) terminal.print(`\n${formatQueues(queues, newInk(terminal.color))}\n`);
  }
  return errorKinds.unavailable.exitCode;
}

/** How much waits in the ledger of a data folder; `undefined` where there is none. */
export async function readQueues(dataDir: string): Promise<Queues | undefined> {
  using ledger = await openLedgerFile(dataDir);
  if (ledger === undefined) return undefined;
  const empty = { depth: 0, oldestSeconds: 0 };
  const queues = { inbox: empty, outbox: empty, spill: empty, dead: empty };
  for (const { queue, depth, oldestAtMs = Date.now() } of readQueueDepths(ledger.read)) {
    queues[queue] = { depth, oldestSeconds: Math.max(0, (Date.now() - oldestAtMs) / 1_000) };
  }
  return queues;
}
