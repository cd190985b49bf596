import { type Check, type Finding, newChecks } from "../app/doctor.ts";
import { newChannelCheck, newPartCheck } from "../app/doctor_channels.ts";
import { newEffectCheck, newEmbedderCheck, newKeyCheck, newNatsCheck, newSecretCheck } from "../app/doctor_config.ts";
import { newDataCheck, newLedgerCheck, newVersionCheck } from "../app/doctor_data.ts";
import { newMemoryCheck, newNoticeCheck, newOpenFilesCheck, newTimeZoneCheck } from "../app/doctor_limits.ts";
import {
  newClockCheck,
  newDenoCheck,
  newDiskCheck,
  newExtensionCheck,
  newPermissionCheck,
  newPortCheck,
  newVectorCheck,
  newWallCheck,
} from "../app/doctor_machine.ts";
import { newMcpCheck } from "../app/doctor_mcp.ts";
import { plugins } from "../app/registry.ts";
import { type Shelves, toWorkspacePaths } from "../agent/workspace.ts";
import { toShelves } from "../app/workspaces.ts";
import { lstatIfThere } from "../folder/files.ts";
import type { Config } from "../config/config.ts";
import { type ConfigFault, formatFault } from "../config/fault.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { toAppError } from "../core/error.ts";
import { toPlaces } from "../extensions/places.ts";
import type { Queues, Status } from "../http/status_api.ts";
import { baseUrlOf, isConfigured, kindOf } from "../llm/kinds.ts";
import { findRunning } from "./admin_client.ts";
import { type Ink, newInk } from "./ink.ts";
import { type ConfigDirFlag, type DataDirFlag, isInstalled, sayAsOwner, toConfigDir, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import { readQueues } from "./status.ts";
import type { Terminal } from "./terminal.ts";
import { wrapText } from "./wrap.ts";
import { readTroubles } from "./workspace.ts";

/** Flags of `agent doctor`. */
export interface DoctorFlags extends ConfigDirFlag, DataDirFlag {
  /** Ask providers too. */
  readonly live: boolean;
  /** Do what mends a finding, where that can do no harm. */
  readonly fix: boolean;
  readonly json: boolean;
}

/** What one check found. */
export interface Examined {
  readonly name: string;
  readonly findings: readonly (Finding & { readonly isMended?: boolean })[];
}

/** `agent doctor`: what is wrong, why it matters, and what mends it. Exit code 1 where anything is; notes do not count. */
export async function examine(terminal: Terminal, flags: DoctorFlags): Promise<number> {
  const dir = toConfigDir(flags, terminal.env);
  const loaded = await loadConfig({ dir, env: terminal.env, plugins, generation: 1 });
  const examined: Examined[] = [{ name: "config", findings: loaded.ok ? [] : loaded.faults.map(toConfigFinding) }];
  const usable = loaded.ok
    ? loaded
    : await loadConfig({ dir, env: terminal.env, plugins, generation: 1, allowUnfinished: true });
  for (const check of await newAllChecks(terminal, flags, usable.ok ? usable.loaded : undefined)) {
    const findings = await lookWith(check, toDataDir(flags, terminal.env));
    examined.push({ name: check.name, findings: flags.fix ? await mend(findings) : findings });
  }
  const isWell = examined.every(({ findings }) =>
    findings.every((one) => one.isNote === true || one.isMended === true)
  );
  if (flags.json) terminal.print(toJsonText({ ok: isWell, checks: examined }));
  else {
    terminal.print(formatExamined(examined, newInk(terminal.color), terminal.columns));
    const isAgentNamed = examined.some(({ findings }) => findings.some(({ mend }) => /\bagent \w/.test(mend)));
    if (terminal.interactive && isAgentNamed && !isInstalled(terminal.env)) {
      terminal.print("`agent` stands for `deno task agent` in the folder of the program.\n");
    }
  }
  return isWell ? 0 : 1;
}

/** What was found, for a person: troubles first, what is well on one line. */
export function formatExamined(examined: readonly Examined[], ink: Ink, columns?: number): string {
  const all = examined.flatMap(({ name, findings }) => findings.map((finding) => ({ name, ...finding })));
  const order = (finding: Finding & { readonly isMended?: boolean }) =>
    finding.isMended === true ? 2 : finding.isNote === true ? 1 : 0;
  const blocks = all.toSorted((one, other) => order(one) - order(other)).map((finding) =>
    formatFinding(finding, ink, columns)
  );
  const well = examined.filter(({ findings }) => findings.length === 0).map(({ name }) => name);
  const wrong = all.filter((finding) => order(finding) === 0).length;
  return [
    ...blocks,
    ...well.length === 0 ? [] : [`${ink.good("ok")}     ${wrapText(well.join(", "), columns, margin)}`],
    wrong === 0 ? ink.good("All is well.") : ink.bad(`${sayCount(wrong, "thing")} to mend.`),
  ].join("\n\n") + "\n";
}

/** Columns before what is said. */
const margin = 7;
const blank = " ".repeat(margin);

function formatFinding(
  { name, what, why, mend, isNote, isMended }: Finding & { readonly name: string; readonly isMended?: boolean },
  ink: Ink,
  columns: number | undefined,
): string {
  const mark = isMended ? ink.good("mended") : isNote ? ink.warn("note  ") : ink.bad("wrong ");
  return [
    `${mark} ${ink.bold(name)}: ${wrapText(toPlain(what), columns, margin, margin + name.length + 2)}`,
    `${blank}${ink.dim(wrapText(toPlain(why), columns, margin))}`,
    // Not wrapped: what is copied from the terminal must be the command.
    `${blank}${ink.bold(isMended ? "Done:" : "Mend it:")} ${toPlain(mend)}`,
  ].join("\n");
}

/** Without a config that can be read, only what does not need one. */
async function newAllChecks(
  terminal: Terminal,
  flags: DoctorFlags,
  loaded: LoadedConfig | undefined,
): Promise<readonly Check[]> {
  const { env } = terminal;
  const [dir, dataDir] = [toConfigDir(flags, env), toDataDir(flags, env)];
  const asked = await askRunning(dataDir, env);
  const running = "status" in asked ? asked.status : undefined;
  const machine = [
    newDenoCheck(),
    newClockCheck(dataDir, flags.live ? toTimeUrl(loaded?.config) : undefined),
    newPermissionCheck(dir, dataDir),
    newDiskCheck(dataDir),
    newMemoryCheck(),
    newOpenFilesCheck(),
    newTimeZoneCheck(env),
    newVectorCheck(dataDir),
    ...running === undefined ? [newLedgerCheck(dataDir, flags.live)] : [],
  ];
  if (loaded === undefined) return machine;
  const { config } = loaded;
  const places = toPlaces(config.extensions, dataDir, env);
  return [
    ...machine,
    newWallCheck(config, places),
    ..."look" in asked ? [asked] : [],
    ...running === undefined
      ? [
        newPortCheck(config),
        newExtensionCheck(config, places),
        newMcpCheck(config, flags.live),
      ]
      : [newVersionCheck(running), newPartCheck(running)],
    newKeyCheck(config, flags.live),
    newEmbedderCheck(config, flags.live),
    newChannelCheck({ config, plugins, running, live: flags.live }),
    newNatsCheck(config),
    newSecretCheck(loaded, `${dataDir}/config-history`),
    newEffectCheck(loaded, dir),
    newNoticeCheck(dir),
    newDataCheck(dataDir, async () => running?.queues ?? await readWholeQueues(dataDir)),
    ...newChecks({ config, shelves: toShelves(dir, dataDir), env }),
    newWorkspaceCheck(terminal, flags, { config, isRunning: running !== undefined }),
  ];
}

/** How the running process stands; as a check, where it is there and does not tell. */
async function askRunning(
  dataDir: string,
  env: Terminal["env"],
): Promise<{ readonly status: Status | undefined } | Check> {
  try {
    return { status: (await findRunning(dataDir, env))?.status };
  } catch (thrown) {
    return { name: "process", look: () => Promise.reject(thrown) };
  }
}

/** Somebody who tells the time in a Date header: whoever is asked anyway. */
function toTimeUrl(config: Config | undefined): string {
  for (const [id, provider] of Object.entries(config?.llm.providers ?? {})) {
    const kind = kindOf(id, provider);
    if (kind !== undefined && isConfigured(provider)) return baseUrlOf(kind, provider);
  }
  return "https://api.telegram.org/";
}

async function mend(findings: readonly Finding[]): Promise<Examined["findings"]> {
  const mended = [];
  for (const finding of findings) {
    mended.push(finding.fix === undefined ? finding : await tryMend(finding, finding.fix));
  }
  return mended;
}

async function tryMend(finding: Finding, fix: () => Promise<void>): Promise<Examined["findings"][number]> {
  try {
    await fix();
    return { ...finding, isMended: true };
  } catch (thrown) {
    return { ...finding, what: `${finding.what}. It could not be mended: ${toAppError(thrown).message}` };
  }
}

function toConfigFinding(fault: ConfigFault): Finding {
  return {
    what: formatFault(fault),
    why: "With a faulty config the process does not start, and a running one keeps the config that it has.",
    mend: `${toSetup(fault)}${fault.remedy}. Then: agent config check`,
  };
}

/** The step of the setup that asks for what is missing. */
function toSetup({ file, path, isUnfinished }: ConfigFault): string {
  if (isUnfinished !== true) return "";
  const [, provider] = /^providers\.([\w-]+)\.api_key$/.exec(path) ?? [];
  const [, name = ""] = /([\w-]+)\.yaml$/.exec(file) ?? [];
  const steps: Readonly<Record<string, string>> = { broker: "nats", memory: "memory" };
  const step = provider !== undefined
    ? `llm --provider ${provider}`
    : plugins.some(({ id }) => id === name)
    ? name
    : steps[name];
  return step === undefined ? "" : `agent setup ${step}. Or: `;
}

/** A damaged ledger is another check's. */
async function readWholeQueues(dataDir: string): Promise<Queues | undefined> {
  try {
    return await readQueues(dataDir);
  } catch (thrown) {
    if (toAppError(thrown).reason === "ledger_damaged") return undefined;
    throw thrown;
  }
}

/**
 * Whether agents' files are in their histories. Without a process to ask, looking takes in what was changed by hand: only
 * in folders that are there and this user's, lest another one cannot write there any more.
 */
function newWorkspaceCheck(
  terminal: Terminal,
  flags: DoctorFlags,
  { config, isRunning }: { readonly config: Config; readonly isRunning: boolean },
): Check {
  return {
    name: "workspaces",
    async look() {
      const shelves = toShelves(toConfigDir(flags, terminal.env), toDataDir(flags, terminal.env));
      const agents = isRunning ? config.agents : await findOwn(config.agents, shelves);
      const ids = agents.map((agent) => agent.id);
      const troubles = ids.length === 0 ? [] : await readTroubles(terminal, flags, ids);
      return troubles.map(({ agent, reason }) => ({
        what: `${agent}: ${reason}`,
        why: "The file is not in the agent's history: what happens to it cannot be seen, nor undone.",
        mend: `edit or move the file, then: agent workspace log ${agent}`,
      }));
    },
  };
}

/** A check that cannot look has found something, too. */
async function lookWith(check: Check, dataDir: string): Promise<readonly Finding[]> {
  try {
    return await check.look();
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    return [{
      what: message,
      why: `Nothing is known about the ${check.name}.`,
      mend: kind === "denied"
        ? `ask as the user whose the folders are: ${await sayAsOwner(dataDir, "agent doctor")}`
        : "agent doctor, once more, when what it says is mended",
    }];
  }
}

/** Agents whose workspace is there and belongs to this user. */
async function findOwn(agents: Config["agents"], shelves: Shelves): Promise<Config["agents"]> {
  const { stdout } = await new Deno.Command("id", { args: ["-u"], stderr: "null" }).output();
  const own = Number(new TextDecoder().decode(stdout).trim());
  const infos = await Promise.all(agents.map((agent) => lstatIfThere(toWorkspacePaths(agent, shelves).folder)));
  return agents.filter((_, index) => infos[index]?.uid === own);
}
