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

/** Opens the prompts. The library is loaded here, so that a command without questions does not pay for it. */
export async function openPrompts(): Promise<Prompts> {
  const clack = await import("@clack/prompts");
  const take = <T>(answer: T | typeof clack.CANCEL_SYMBOL): T => {
    if (!clack.isCancel(answer)) return answer;
    throw new AppError("cancelled", "You left the setup. What was asked last is as it was before");
  };
  return {
    async text({ message, fallback, check }) {
      const answer = take(
        await clack.text({
          message,
          ...(fallback === undefined ? {} : { placeholder: fallback, defaultValue: fallback }),
          validate: (typed = "") => {
            if (typed === "" && fallback !== undefined) return undefined;
            return typed === "" ? "Please write something" : check?.(typed);
          },
        }),
      );
      return answer;
    },
    async secret(message, check) {
      return take(
        await clack.password({ message, validate: (typed = "") => typed === "" ? "Please paste it" : check(typed) }),
      );
    },
    async choose<T extends string>(message: string, options: readonly Option<T>[], initial?: T) {
      const chosen = take(
        await clack.select<string>({
          message,
          options: options.map(({ value, label, hint }) => ({ value, label, ...(hint === undefined ? {} : { hint }) })),
          ...(initial === undefined ? {} : { initialValue: initial }),
        }),
      );
      const option = options.find(({ value }) => value === chosen);
      if (option === undefined) throw new AppError("bug", `The prompt gave ${chosen}, which it was not asked for`);
      return option.value;
    },
    async confirm(message, initial) {
      return take(await clack.confirm({ message, initialValue: initial }));
    },
    tell: (text) => clack.log.message(text),
    warn: (text) => clack.log.warn(text),
    begin: (text) => clack.intro(text),
    end: (text) => clack.outro(text),
  };
}
