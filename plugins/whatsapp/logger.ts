import type { SocketConfig } from "baileys";
import type { Log } from "../../src/core/log.ts";

/** What Baileys writes its log to. */
export type LibraryLogger = SocketConfig["logger"];

/**
 * A logger for Baileys. Of what it writes only the fixed words get through: the objects beside them hold messages, keys
 * and names, and numbers in the words are people's.
 */
export function newLibraryLogger(log: Log): LibraryLogger {
  const ignore = () => undefined;
  const write = (level: "warn" | "debug") => (entry: unknown, words?: string) => {
    const note = words ?? (typeof entry === "string" ? entry : "");
    log[level]("whatsapp.library", { note: toFixedWords(note), error: toErrorWords(entry) });
  };
  const logger: LibraryLogger = {
    level: "warn",
    child: () => logger,
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: write("debug"),
    error: write("warn"),
  };
  return logger;
}

function toErrorWords(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const error = "err" in entry ? entry.err : "error" in entry ? entry.error : undefined;
  return error instanceof Error ? toFixedWords(error.message) : undefined;
}

function toFixedWords(text: string): string {
  return text.slice(0, 200).replace(/\d{5,}/g, "…");
}
