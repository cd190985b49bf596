import type { CommandContext, StricliProcess } from "@stricli/core";
import type { Terminal } from "./terminal.ts";

/** What every command is given. */
export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  readonly terminal: Terminal;
}
