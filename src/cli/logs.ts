import type { LogLevel } from "../core/log.ts";
import { type LogEntryView, logEntryViewSchema, logsAnswerSchema } from "../http/logs_api.ts";
import { formatJson, formatPretty } from "../telemetry/log_format.ts";
import { requireRunning } from "./admin_client.ts";
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

/** `agent logs`: the newest entries of the running process's log, and with `--follow` those to come. */
export async function showLogs(terminal: Terminal, flags: LogsFlags): Promise<number> {
  const { follow, level, event, agent, turn, limit } = flags;
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
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
  for await (const data of readEventData(admin.follow("/api/logs", { ...query, follow: "1" }))) {
    print(logEntryViewSchema.parse(JSON.parse(data)));
  }
  return 0;
}
