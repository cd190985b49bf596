import { stdin } from "node:process";
import type { Readable } from "node:stream";
import { AppError } from "../core/error.ts";
import { openKeyboard, type PastedLineEnd } from "./keyboard.ts";

/** Asks a person on a terminal. Every question can be left by Ctrl-C: `cancelled`. */
export interface Prompts {
  text(question: TextQuestion): Promise<string>;
  /** Shows signs in the place of letters. */
  secret(message: string, check: Check): Promise<string>;
  choose<T extends string>(message: string, options: readonly Option<T>[], initial?: T): Promise<T>;
  confirm(message: string, initial: boolean): Promise<boolean>;
  /** Tells something between two questions. */
  tell(text: string): void;
  /** Tells that something went wrong. */
  warn(text: string): void;
  /** Opens and closes a row of questions. */
  begin(text: string): void;
  end(text: string): void;
}

/** Why an answer is not taken, or `undefined`. */
export type Check = (answer: string) => string | undefined;

/** A question for a line of text. */
export interface TextQuestion {
  readonly message: string;
  /** Taken where nothing is typed. Absent: something must be. */
  readonly fallback?: string;
  readonly check?: Check;
}

/** One of several answers. */
export interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

/** What ends a program is, at a question, a way to leave it: the terminal is set back before. */
const leaveSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Opens the prompts. The library is loaded here, so that a command without questions does not pay for it. */
export async function openPrompts(): Promise<Prompts> {
  const clack = await import("@clack/prompts");
  const { stdout } = await import("node:process");
  // A terminal that nobody told its size, such as a serial line, would get one letter a line.
  for (const [name, usual] of [["columns", 80], ["rows", 24]] as const) {
    if (stdout[name] === 0) Object.defineProperty(stdout, name, { value: usual });
  }
  // Without this the end of input (Ctrl-D) closes the reader under the question, which then waits for ever.
  clack.updateSettings({ aliases: { "\x04": "cancel" } });
  const take = async <T>(
    lineEnd: PastedLineEnd,
    ask: (
      terminal: { readonly input: Readable; readonly signal: AbortSignal },
    ) => Promise<T | typeof clack.CANCEL_SYMBOL>,
  ): Promise<T> => {
    const left = new AbortController();
    using keyboard = openKeyboard(lineEnd);
    const leave = () => left.abort();
    for (const name of leaveSignals) Deno.addSignalListener(name, leave);
    stdin.once("end", leave);
    try {
      const answer = await ask({ input: keyboard.keys, signal: left.signal });
      if (!clack.isCancel(answer)) return answer;
    } finally {
      stdin.off("end", leave);
      for (const name of leaveSignals) Deno.removeSignalListener(name, leave);
    }
    throw new AppError("cancelled", "You left the setup. What was asked last is as it was before");
  };
  return {
    text: async ({ message, fallback, check }) => {
      const answer = await take(" ", (terminal) =>
        clack.text({
          message,
          ...terminal,
          ...(fallback === undefined ? {} : { placeholder: fallback, defaultValue: fallback }),
          validate: (typed = "") => {
            const answer = typed.trim();
            if (answer === "" && fallback !== undefined) return undefined;
            return answer === "" ? "Please write something" : check?.(answer);
          },
        }));
      return answer.trim() || (fallback ?? "");
    },
    secret: (message, check) =>
      take("", (terminal) =>
        clack.password({
          message,
          ...terminal,
          validate: (typed = "") => typed === "" ? "Please paste it" : check(typed),
        })),
    async choose<T extends string>(message: string, options: readonly Option<T>[], initial?: T) {
      const chosen = await take(undefined, (terminal) =>
        clack.select<string>({
          message,
          ...terminal,
          options: options.map(({ value, label, hint }) => ({ value, label, ...(hint === undefined ? {} : { hint }) })),
          ...(initial === undefined ? {} : { initialValue: initial }),
        }));
      const option = options.find(({ value }) => value === chosen);
      if (option === undefined) throw new AppError("bug", `The prompt gave ${chosen}, which it was not asked for`);
      return option.value;
    },
    confirm: (message, initial) =>
      take(undefined, (terminal) => clack.confirm({ message, ...terminal, initialValue: initial })),
    tell: (text) => clack.log.message(text),
    warn: (text) => clack.log.warn(text),
    begin: (text) => clack.intro(text),
    end: (text) => clack.outro(text),
  };
}
