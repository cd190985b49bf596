import { newDeadLetters } from "../app/views.ts";
import { runtimeFileSchema } from "../config/runtime.ts";
import { AppError } from "../core/error.ts";
import {
  type DeadLetterDetail,
  deadLetterDetailSchema,
  type DeadLetterFilter,
  deadLetterRestoredSchema,
  deadLetterResultSchema,
  deadLettersAnswerSchema,
  type DeadLetterSelection,
  type DeadLetterView,
} from "../http/dead_letters_api.ts";
import type { DeadLetters } from "../http/views.ts";
import { listDeadLetters, readDeadLetter } from "../ledger/dead.ts";
import type { AdminClient } from "./admin_client.ts";
import { changeLedger, requireLedgerFile } from "./ledger_file.ts";

/** A page of dead letters, newest first. `next` is the `before` of the next page. */
export interface DeadLetterPage {
  readonly items: readonly DeadLetterView[];
  readonly next?: number | undefined;
}

/** What can be done with dead letters: by asking the running process, or in the ledger itself. */
export interface DeadLetterDesk {
  list(filter: DeadLetterFilter): Promise<DeadLetterPage>;
  /** @throws {AppError} `missing` where there is no such letter. */
  show(id: number): Promise<DeadLetterDetail>;
  /** Replays or purges, or with `dryRun` only counts; gives how many, and what brings purged ones back. */
  act(action: DeadLetterAction, selection: DeadLetterSelection, dryRun: boolean): Promise<Settled>;
  /** Brings back what a purge took away; gives how many. */
  restore(purge: number): Promise<number>;
}

/** How many letters were replayed or purged. */
export interface Settled {
  readonly count: number;
  /** Of a purge: what brings them back. */
  readonly purge?: number | undefined;
}

/** What can be done to a dead letter. */
export type DeadLetterAction = "replay" | "purge";

/** Dead letters of the running process. */
export function newRemoteDesk(admin: AdminClient): DeadLetterDesk {
  return {
    list: (filter) => admin.get("/api/dead-letters", filter, deadLettersAnswerSchema),
    show: (id) => admin.get(`/api/dead-letters/${id}`, {}, deadLetterDetailSchema),
    async act(action, selection, dryRun) {
      const body = { ...selection, dryRun };
      return await admin.post(`/api/dead-letters/${action}`, body, deadLetterResultSchema);
    },
    restore: async (purge) =>
      (await admin.post("/api/dead-letters/restore", { purge }, deadLetterRestoredSchema)).count,
  };
}

/** Dead letters of a data folder on which nothing runs. Only `act` writes, and holds the folder's lock meanwhile. */
export function newLocalDesk(dataDir: string): DeadLetterDesk {
  return {
    async list(filter) {
      using ledger = await requireLedgerFile(dataDir);
      const wanted = { ...filter, limit: filter.limit + 1 };
      const found = await listDeadLetters(ledger, wanted, Date.now(), newDeadline());
      const items = found.slice(0, filter.limit);
      return { items, next: found.length > items.length ? items.at(-1)?.id : undefined };
    },
    async show(id) {
      using ledger = await requireLedgerFile(dataDir);
      const letter = readDeadLetter(ledger.read, id);
      if (letter === undefined) throw new AppError("missing", `There is no dead letter ${id}. See: agent dlq list`);
      return letter;
    },
    act: (action, selection, dryRun) =>
      changeDesk(async (letters) => {
        const options = { dryRun, actor: "cli" } as const;
        return action === "purge"
          ? await letters.purge(selection, options, newDeadline())
          : { count: await letters.replay(selection, options, newDeadline()) };
      }),
    restore: (purge) => changeDesk((letters) => letters.restore(purge, "cli")),
  };

  function changeDesk<T>(change: (letters: DeadLetters) => Promise<T>): Promise<T> {
    return changeLedger(dataDir, ({ ledger, clock }) =>
      change(newDeadLetters({
        ledger,
        // Nobody waits for what is made live again here: the next start finds it.
        bus: { rescan: () => undefined },
        rescanOutbox: () => undefined,
        clock,
        maxAgeMs: () => runtimeFileSchema.parse({}).outbound.max_age,
      })));
  }
}

/** Longest look into the ledger. */
const queryMs = 15_000;

function newDeadline(): AbortSignal {
  return AbortSignal.timeout(queryMs);
}
