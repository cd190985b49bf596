/** How loud a log entry is, from least to most. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Flat data of a log entry. Names carry their unit (`tookMs`, `sizeBytes`); values never hold message text or secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where a part of the program reports what happened. `event` is a fixed dotted name such as `turn.ended`. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields & { readonly error?: string }): void;
  /** A child that adds `fields` to each of its entries. */
  with(fields: LogFields): Log;
}
