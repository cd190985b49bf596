import { toAppError } from "../core/error.ts";
import type { LogLevel } from "../core/log.ts";
import { systemClock } from "../lib/clock.ts";
import { type LogEntryView, logEntryViewSchema, logsAnswerSchema } from "../http/logs_api.ts";
import { formatJson, formatPretty } from "../telemetry/log_format.ts";
import { type AdminClient, findRunning, requireRunning } from "./admin_client.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { readEventData } from "./sse.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `agent logs`. */
export interface LogsFlags extends DataDirFlag {
  readonly follow: boolean;
  readonly level?: LogLevel;
  readonly event?: string;
  readonly agent?: string;
  readonly turn?: string;
  readonly limit: number;
  readonly json: boolean;
}

/**
 * `agent logs`: the newest entries of the running process's log, and with `--follow` those to come, of the next process
 * too where this one ends.
 */
export async function showLogs(terminal: Terminal, flags: LogsFlags): Promise<number> {
  const { follow, level, event, agent, turn, limit } = flags;
  const dataDir = toDataDir(flags, terminal.env);
  const { admin } = await requireRunning(dataDir, terminal.env);
  const query = { level, event, agent, turn, limit };
  const print = ({ at, ...entry }: LogEntryView) => {
    const dated = { at: Date.parse(at), ...entry };
    terminal.print(flags.json ? formatJson(dated) : formatPretty(dated, terminal.color));
  };
  if (!follow) {
    const { items } = await admin.get("/api/logs", query, logsAnswerSchema);
    for (const entry of items) print(entry);
    return 0;
  }
  let lastAt = "";
  for (let followed = admin;;) {
    const shownUntil = lastAt;
    try {
      for await (const data of readEventData(followed.follow("/api/logs", { ...query, follow: "1" }))) {
        const entry = logEntryViewSchema.parse(JSON.parse(data));
        // What was shown before the connection broke comes once more.
        if (entry.at > shownUntil) print(entry);
        lastAt = entry.at;
      }
    } catch (thrown) {
      if (!isGone(thrown)) throw thrown;
    }
    terminal.complain("The process has ended. What the next one logs follows here; Ctrl-C leaves.\n");
    followed = await waitForNext(dataDir, terminal.env);
  }
}

const lookEveryMs = 500;

async function waitForNext(dataDir: string, env: Terminal["env"]): Promise<AdminClient> {
  while (true) {
    await systemClock.wait(lookEveryMs);
    try {
      const running = await findRunning(dataDir, env);
      if (running !== undefined) return running.admin;
    } catch (thrown) {
      if (!isGone(thrown)) throw thrown;
    }
  }
}

function isGone(thrown: unknown): boolean {
  const { kind } = toAppError(thrown);
  return kind === "unavailable" || kind === "timeout";
}
