import { buildRouteMap, type Command, type InputParser, type RouteMap } from "@stricli/core";
import { AppError } from "../core/error.ts";
import { parseDuration } from "../lib/duration.ts";
import type { CliContext } from "./context.ts";
import type { Terminal } from "./terminal.ts";

/** The flag for programs. */
export const json = { kind: "boolean", brief: "Print JSON for programs", default: false, withNegated: false } as const;
/** The flag that names the config folder. */
export const config = {
  kind: "parsed",
  parse: toGiven,
  brief: "Config folder [AGENT_CONFIG, else ./config]",
  placeholder: "DIR",
  optional: true,
} as const;
/** The flag that names the data folder. */
export const data = {
  kind: "parsed",
  parse: toGiven,
  brief: "Data folder [AGENT_DATA, else ./data]",
  placeholder: "DIR",
  optional: true,
} as const;

/** The flag of what can be tried without harm. */
export const dryRun = {
  kind: "boolean",
  brief: "Only count what it would change",
  default: false,
  withNegated: false,
} as const;
/** The flag of what asks before it does harm. */
export const yes = { kind: "boolean", brief: "Do not ask", default: false, withNegated: false } as const;
/** The flag that bounds a page of a list. */
export const limit = {
  kind: "parsed",
  parse: toCount(1, 200),
  brief: "How many, up to 200",
  placeholder: "N",
  default: "50",
} as const;
/** The flag that goes on where a page ended. */
export const before = {
  kind: "parsed",
  parse: String,
  brief: "Older ones than this, as the page before says",
  placeholder: "CURSOR",
  optional: true,
} as const;

/** Takes any text but an empty one: that is a variable of a script that was not set. */
export function toGiven(input: string): string {
  if (input.trim() !== "") return input;
  throw new AppError("invalid", "it is empty");
}

/** A command as stricli calls it: what it gives is the exit code. */
export function toAction<F, A extends readonly unknown[]>(
  command: (terminal: Terminal, flags: F, ...args: A) => Promise<number>,
) {
  return async function (this: CliContext, flags: F, ...args: A): Promise<void> {
    this.process.exitCode = await command(this.terminal, flags, ...args);
  };
}

/** A command's help: what it does, examples, and what its exit codes mean. */
export function toDescription(
  text: string,
  examples: readonly string[],
  codes: readonly string[] = ["0 done"],
): string {
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  return [
    text,
    ...section("EXAMPLES", examples),
    ...section("EXIT CODES", codes.toSorted((one, other) => parseInt(one) - parseInt(other))),
  ].join("\n");
}

/**
 * Commands below one word. Its help has the first example of each.
 *
 * @param preset The one that the word alone stands for.
 */
export function buildGroup<R extends string>(
  brief: string,
  routes: Readonly<Record<R, Command<CliContext>>>,
  preset?: NoInfer<R>,
): RouteMap<CliContext> {
  const examples = Object.values<Command<CliContext>>(routes).flatMap(({ fullDescription = "" }) =>
    /^EXAMPLES\n {2}(.+)$/m.exec(fullDescription)?.[1] ?? []
  );
  return buildRouteMap<R, CliContext>({
    routes,
    ...preset === undefined ? {} : { defaultCommand: preset },
    docs: { brief, fullDescription: toDescription(brief, examples, []) },
  });
}

/** Takes a whole number from `min` to `max`. */
export function toCount(min: number, max = Number.MAX_SAFE_INTEGER): InputParser<number> {
  return (input) => {
    const count = /^\d+$/.test(input) ? Number(input) : NaN;
    if (count >= min && count <= max) return count;
    throw new AppError(
      "invalid",
      max < Number.MAX_SAFE_INTEGER ? `write ${min} to ${max}` : `write a number from ${min}`,
    );
  };
}

/** Takes a time, such as `30m`, `1h` or `7d`, as milliseconds. */
export function toDurationMs(input: string): number {
  const ms = parseDuration(input);
  if (ms === undefined) throw new AppError("invalid", "write a time such as 30m, 1h or 7d");
  return ms;
}
