import { stdin } from "node:process";
import { AppError } from "../core/error.ts";

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
  const take = async <T>(ask: (signal: AbortSignal) => Promise<T | typeof clack.CANCEL_SYMBOL>): Promise<T> => {
    const left = new AbortController();
    const leave = () => left.abort();
    for (const name of leaveSignals) Deno.addSignalListener(name, leave);
    stdin.once("end", leave);
    try {
      const answer = await ask(left.signal);
      if (!clack.isCancel(answer)) return answer;
    } finally {
      stdin.off("end", leave);
      for (const name of leaveSignals) Deno.removeSignalListener(name, leave);
    }
    throw new AppError("cancelled", "You left the setup. What was asked last is as it was before");
  };
  return {
    text: ({ message, fallback, check }) =>
      take((signal) =>
        clack.text({
          message,
          signal,
          ...(fallback === undefined ? {} : { placeholder: fallback, defaultValue: fallback }),
          validate: (typed = "") => {
            if (typed === "" && fallback !== undefined) return undefined;
            return typed === "" ? "Please write something" : check?.(typed);
          },
        })
      ),
    secret: (message, check) =>
      take((signal) =>
        clack.password({
          message,
          signal,
          validate: (typed = "") => typed === "" ? "Please paste it" : check(typed),
        })
      ),
    async choose<T extends string>(message: string, options: readonly Option<T>[], initial?: T) {
      const chosen = await take((signal) =>
        clack.select<string>({
          message,
          signal,
          options: options.map(({ value, label, hint }) => ({ value, label, ...(hint === undefined ? {} : { hint }) })),
          ...(initial === undefined ? {} : { initialValue: initial }),
        })
      );
      const option = options.find(({ value }) => value === chosen);
      if (option === undefined) throw new AppError("bug", `The prompt gave ${chosen}, which it was not asked for`);
      return option.value;
    },
    confirm: (message, initial) => take((signal) => clack.confirm({ message, signal, initialValue: initial })),
    tell: (text) => clack.log.message(text),
    warn: (text) => clack.log.warn(text),
    begin: (text) => clack.intro(text),
    end: (text) => clack.outro(text),
  };
}
