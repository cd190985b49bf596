import { buildChoiceParser, buildCommand, type RouteMap } from "@stricli/core";
import { printCompletions, type Shell, shells } from "./completions.ts";
import type { CliContext } from "./context.ts";
import { toAction, toDescription } from "./route_parts.ts";
import type { Terminal } from "./terminal.ts";

/**
 * `agent completions`.
 *
 * @param root Every command, this one included.
 */
export function newCompletionsCommand(root: () => RouteMap<CliContext>) {
  return buildCommand({
    loader: () =>
      Promise.resolve(
        toAction((terminal: Terminal, _flags: Readonly<Record<never, never>>, shell: Shell) =>
          printCompletions(terminal, root(), shell)
        ),
      ),
    parameters: {
      positional: {
        kind: "tuple",
        parameters: [{ brief: "bash, zsh or fish", placeholder: "SHELL", parse: buildChoiceParser(shells) }],
      },
    },
    docs: {
      brief: "Print the script that completes commands in a shell",
      fullDescription: toDescription(
        "The shell reads it at its start; completing then does not start the program. Agents are offered as the config of AGENT_CONFIG, else ./config, names them.",
        [
          'eval "$(agent completions bash)"',
          'eval "$(agent completions zsh)"',
          "agent completions fish | source",
        ],
      ),
    },
  });
}
