import { type Check, type Finding, newChecks } from "../app/doctor.ts";
import { plugins } from "../app/registry.ts";
import { toShelves } from "../app/workspaces.ts";
import type { Config } from "../config/config.ts";
import { formatFault } from "../config/fault.ts";
import { loadConfig } from "../config/load.ts";
import { toAppError } from "../core/error.ts";
import { type Ink, newInk } from "./ink.ts";
import { type ConfigDirFlag, type DataDirFlag, toConfigDir, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";
import { readTroubles } from "./workspace.ts";

/** Flags of `agent doctor`. */
export interface DoctorFlags extends ConfigDirFlag, DataDirFlag {
  readonly json: boolean;
}

/** What one check found. */
export interface Examined {
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** `agent doctor`: what is wrong, why it matters, and what mends it. Exit code 1 where anything is. */
export async function examine(terminal: Terminal, flags: DoctorFlags): Promise<number> {
  const dir = toConfigDir(flags, terminal.env);
  const loaded = await loadConfig({ dir, env: terminal.env, plugins, generation: 1 });
  const examined: Examined[] = [{ name: "config", findings: loaded.ok ? [] : loaded.faults.map(toConfigFinding) }];
  if (loaded.ok) {
    const { config } = loaded.loaded;
    const shelves = toShelves(dir, toDataDir(flags, terminal.env));
    const checks = [
      ...newChecks({ config, shelves, env: terminal.env }),
      newWorkspaceCheck(terminal, flags, config),
    ];
    for (const check of checks) examined.push({ name: check.name, findings: await lookWith(check) });
  }
  const isWell = examined.every(({ findings }) => findings.length === 0);
  if (flags.json) terminal.print(toJsonText({ ok: isWell, checks: examined }));
  else terminal.print(formatExamined(examined, newInk(terminal.color)));
  return isWell ? 0 : 1;
}

/** What was found, for a person. */
export function formatExamined(examined: readonly Examined[], ink: Ink): string {
  const lines = examined.flatMap(({ name, findings }) =>
    findings.length === 0 ? [`${ink.good("ok")}     ${name}`] : findings.flatMap(({ what, why, mend }) => [
      `${ink.bad("wrong")}  ${name}: ${toPlain(what)}`,
      `       ${ink.dim(toPlain(why))}`,
      `       ${ink.bold("Mend it:")} ${toPlain(mend)}`,
    ])
  );
  const count = examined.reduce((sum, { findings }) => sum + findings.length, 0);
  return `${lines.join("\n")}\n\n${count === 0 ? "All is well." : `${sayCount(count, "thing")} to mend.`}\n`;
}

function toConfigFinding(fault: Parameters<typeof formatFault>[0]): Finding {
  return {
    what: formatFault(fault),
    why: "With a faulty config the process does not start, and a running one keeps the config that it has.",
    mend: "edit the file, then: agent config check",
  };
}

function newWorkspaceCheck(terminal: Terminal, flags: DoctorFlags, config: Config): Check {
  return {
    name: "workspaces",
    async look() {
      const troubles = await readTroubles(terminal, flags, config.agents.map((agent) => agent.id));
      return troubles.map(({ agent, reason }) => ({
        what: `${agent}: ${reason}`,
        why: "The file is not in the agent's history: what happens to it cannot be seen, nor undone.",
        mend: `edit or move the file, then: agent workspace log ${agent}`,
      }));
    },
  };
}

/** A check that cannot look has found something, too. */
async function lookWith(check: Check): Promise<readonly Finding[]> {
  try {
    return await check.look();
  } catch (thrown) {
    const { message } = toAppError(thrown);
    return [{ what: message, why: `Nothing is known about the ${check.name}.`, mend: "see the message above" }];
  }
}
