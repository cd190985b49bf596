import { toAppError } from "../core/error.ts";
import { isThere } from "../folder/files.ts";
import { toShellWord } from "../lib/shell.ts";
import { findDamage } from "../ledger/damage.ts";
import { version } from "../core/version.ts";
import type { Queues, Status } from "../http/status_api.ts";
import type { Check, Finding } from "./doctor.ts";

/** Replies wait a moment as a rule. */
const longWaitSeconds = 600;

/** What lies in the data folder and waits for somebody. */
export function newDataCheck(dataDir: string, readQueues: () => Promise<Queues | undefined>): Check {
  return {
    name: "old data",
    async look() {
      const queues = await readQueues();
      return [
        ...queues === undefined ? [] : findWaiting(queues),
        ...(await listCopies(dataDir)).map((name): Finding => ({
          what: `${dataDir}/${name} is a copy of the ledger from before an upgrade`,
          why: "It takes room, and holds what was forgotten since. It is needed only to go back by hand.",
          mend: `rm ${toShellWord(`${dataDir}/${name}`)}`,
          isNote: true,
        })),
      ];
    },
  };
}

/** A ledger of some gigabytes is read through in less. */
const readMs = 120_000;

/** Larger ones take more than a moment. */
const quickBytes = 256_000_000;

/**
 * Whether the ledger is whole; asked only while nothing runs, for a process that runs looks by itself.
 *
 * @param live Read it through however large it is.
 */
export function newLedgerCheck(dataDir: string, live: boolean): Check {
  return {
    name: "ledger",
    async look() {
      const path = `${dataDir}/ledger.db`;
      if (!await isThere(path) || !live && (await Deno.stat(path)).size > quickBytes) return [];
      const damage = await findDamage(path, AbortSignal.timeout(readMs));
      if (damage === undefined) return [];
      const word = toShellWord(path);
      return [{
        what: `${path} is damaged: ${damage}`,
        why: "The process does not start on it. It is never changed, so that what is left can still be read.",
        mend: `agent restore FILE --data NEW_FOLDER; or begin with an empty one: mv ${word} ${word}.damaged`,
      }];
    },
  };
}

/** Whether the process that runs is of this release. */
export function newVersionCheck(running: Pick<Status, "version" | "pid">): Check {
  return {
    name: "versions",
    look: () =>
      Promise.resolve(
        running.version === version ? [] : [{
          what: `Process ${running.pid} is version ${running.version}, and this is ${version}`,
          why: "What was mended or added since is not in force.",
          mend: "systemctl restart nexo; or where it runs without a service: agent run --takeover",
          isNote: true,
        }],
      ),
  };
}

function findWaiting({ dead, outbox }: Queues): readonly Finding[] {
  return [
    ...dead.depth === 0 ? [] : [{
      what: `${dead.depth} dead letter${dead.depth === 1 ? "" : "s"}`,
      why: "Somebody was not answered, or their answer did not arrive.",
      mend: "agent dlq list; then: agent dlq replay ID",
      isNote: true,
    }],
    ...outbox.depth === 0 || outbox.oldestSeconds < longWaitSeconds ? [] : [{
      what: `${outbox.depth} repl${outbox.depth === 1 ? "y" : "ies"} not sent, the oldest for ${
        Math.round(outbox.oldestSeconds / 60)
      } min`,
      why: "They become dead letters when they are older than outbound.max_age.",
      mend: "agent status tells why the channel does not send; without a process: agent run",
    }],
  ];
}

async function listCopies(dataDir: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(dataDir));
    return entries.map(({ name }) => name).filter((name) => /^ledger\.db\.before-v\d+(?:\.unfinished)?$/.test(name))
      .sort();
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return [];
    throw thrown;
  }
}
