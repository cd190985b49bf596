import {
  buildApplication,
  ExitCode,
  type RouteMap,
  run as runApplication,
  type StricliProcess,
  text_en,
} from "@stricli/core";
import { errorKinds, toAppError } from "../core/error.ts";
import { version } from "../core/version.ts";
import { findCommand, sayArgumentFault } from "./argument_fault.ts";
import { type MoreRoutes, newRoutes } from "./commands.ts";
import type { CliContext } from "./context.ts";
import { findMisspelt } from "./misspelt.ts";
import { toPlain } from "./plain.ts";
import type { Terminal } from "./terminal.ts";
import { wrapHelp } from "./wrap.ts";

/**
 * Runs one command of the command line.
 *
 * @param args Everything after the program's name.
 * @param more Commands beside those of this folder.
 * @returns Exit code: 0, or what the kind of the error says, or what the command itself documents.
 */
export async function runCli(args: readonly string[], terminal: Terminal, more: MoreRoutes): Promise<number> {
  const process: StricliProcess = {
    stdout: toStream((text) => terminal.print(wrapHelp(text, terminal.columns)), terminal),
    stderr: toStream(terminal.complain, terminal),
    env: terminal.env,
  };
  const root = newRoutes(more);
  const inputs = toInputs(args);
  const misspelt = findMisspelt(root, inputs);
  if (misspelt !== undefined) {
    terminal.complain(`agent: ${toPlain(misspelt)}\n`);
    return errorKinds.invalid.exitCode;
  }
  await runApplication(newApplication(root, inputs), inputs, { process, terminal });
  switch (process.exitCode) {
    case ExitCode.UnknownCommand:
    case ExitCode.InvalidArgument:
      return errorKinds.invalid.exitCode;
  }
  const code = Number(process.exitCode);
  return code < 0 ? errorKinds.bug.exitCode : code;
}

function newApplication(root: RouteMap<CliContext>, inputs: readonly string[]) {
  return buildApplication<CliContext>(root, {
    name: "agent",
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    localization: {
      text: {
        ...text_en,
        noCommandRegisteredForInput: ({ input, corrections }) => {
          const hint = corrections.length === 0 ? "" : ` Did you mean ${corrections.join(" or ")}?`;
          return toPlain(`agent: There is no command "${input}".${hint} See agent --help`);
        },
        exceptionWhileParsingArguments: (thrown) => sayArgumentFault(thrown, findCommand(root, inputs)),
        commandErrorResult: sayFailure,
        exceptionWhileRunningCommand: sayFailure,
        exceptionWhileLoadingCommandFunction: sayFailure,
        exceptionWhileLoadingCommandContext: sayFailure,
      },
    },
    determineExitCode: (thrown) => errorKinds[toAppError(thrown).kind].exitCode,
  });
}

/** `agent help status` is `agent status --help`. */
function toInputs(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  return first === "help" ? [...rest, "--help"] : args;
}

function sayFailure(thrown: unknown): string {
  const error = toAppError(thrown);
  const { cause } = error;
  const stack = error.kind === "bug" && cause instanceof Error ? `\n${cause.stack ?? ""}` : "";
  return toPlain(`agent: ${error.message}${stack}`);
}

function toStream(write: (text: string) => void, { color }: Terminal) {
  return { write, getColorDepth: () => color ? 8 : 1 };
}
