import { ArgumentScannerError, formatMessageForArgumentScannerError, type RouteMap, text_en } from "@stricli/core";
import type { CliContext } from "./context.ts";
import { toPlain } from "./plain.ts";

const dashedValue = "A value that begins with - is written --flag=VALUE.";

/** What is wrong with the arguments of a command, and where its help is. */
export function sayArgumentFault(thrown: unknown, command: readonly string[]): string {
  const help = `See ${["agent help", ...command].join(" ")}`;
  if (!(thrown instanceof ArgumentScannerError)) {
    return toPlain(`agent: ${text_en.exceptionWhileParsingArguments(thrown, false)}. ${help}`);
  }
  const message = formatMessageForArgumentScannerError(thrown, {
    FlagNotFoundError: ({ input, corrections }) =>
      `There is no flag --${input}${
        corrections.length === 0 ? "." : `, did you mean ${corrections.map((flag) => `--${flag}`).join(" or ")}?`
      }`,
    AliasNotFoundError: ({ input }) => `There is no flag -${input}. ${dashedValue}`,
    UnsatisfiedFlagError: ({ externalFlagName, nextFlagName }) =>
      `--${externalFlagName} needs a value.${nextFlagName === undefined ? "" : ` ${dashedValue}`}`,
    UnsatisfiedPositionalError: ({ placeholder }) => `${placeholder} is missing.`,
    UnexpectedPositionalError: ({ input }) =>
      /^--[\w-]+=$/.test(input)
        ? `${input} has nothing behind it.`
        : `"${input}" is one argument more than it takes. Text with blanks needs quotes.`,
    UnexpectedFlagError: ({ externalFlagName }) => `--${externalFlagName} is given twice.`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder: name, input, exception }) =>
      `${/^[A-Z]/.test(name) ? name : `--${name}`} cannot be ${JSON.stringify(input)}: ${
        exception instanceof Error ? exception.message : String(exception)
      }.`,
  });
  return toPlain(`agent: ${message} ${help}`);
}

/** The words of `inputs` that name a command. */
export function findCommand(target: RouteMap<CliContext>, inputs: readonly string[]): readonly string[] {
  const [word = "", ...rest] = inputs;
  const next = target.getAllEntries().find(({ name }) => name["convert-camel-to-kebab"] === word)?.target;
  if (next === undefined) return [];
  return "getAllEntries" in next ? [word, ...findCommand(next, rest)] : [word];
}
