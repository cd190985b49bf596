// deno-lint-ignore-file no-console -- a command that reports to its terminal
import { measureBus } from "./bench/bus.ts";
import { measureMail, measureWhatsApp } from "./bench/channels.ts";
import { type Figure, formatTable, meetsTarget } from "./bench/figure.ts";
import { measureExecutable } from "./bench/executable.ts";
import { measureExtensions } from "./bench/extensions.ts";
import { measureHop } from "./bench/hop.ts";
import { measureLedger } from "./bench/ledger.ts";
import { measureMemory } from "./bench/memory.ts";
import { measureMcp } from "./bench/mcp.ts";
import { openModelProcess } from "./bench/model_process.ts";
import { measureNats } from "./bench/nats.ts";
import { measureIdle, measureStart } from "./bench/start.ts";
import { measureGrowth, measureMany, measureSingle } from "./bench/turns.ts";

/** Parts of the bench by name, in order of running. */
const parts = {
  start: measureStart,
  idle: measureIdle,
  single: measureSingle,
  many: measureMany,
  growth: measureGrowth,
  ledger: measureLedger,
  bus: measureBus,
  worker: measureHop,
  nats: measureNats,
  mcp: measureMcp,
  extensions: measureExtensions,
  mail: measureMail,
  whatsapp: measureWhatsApp,
  executable: measureExecutable,
  memory: measureMemory,
} as const;

const names = Object.keys(parts).filter((name): name is keyof typeof parts => name in parts);

/** Parts named by `--only a,b`, else all. */
function chosenParts(args: readonly string[]): readonly (keyof typeof parts)[] {
  const at = args.indexOf("--only");
  if (at < 0) return names;
  const wanted = (args[at + 1] ?? "").split(",");
  const unknown = wanted.filter((name) => !names.some((known) => known === name));
  if (unknown.length > 0) throw new Error(`Unknown part ${unknown.join(", ")}: choose from ${names.join(", ")}`);
  return names.filter((name) => wanted.includes(name));
}

async function measure(chosen: readonly (keyof typeof parts)[]): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const name of chosen) {
    console.error(`measuring ${name} ...`);
    await using model = await openModelProcess(); // a new one for each part: its records are that part's
    figures.push(...await parts[name](model));
  }
  return figures;
}

async function writeResults(figures: readonly Figure[]): Promise<string> {
  const folder = new URL("../bench-results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = new URL(`${at.replaceAll(":", "-")}.json`, folder);
  const machine = { cores: navigator.hardwareConcurrency, deno: Deno.version.deno, os: Deno.build.os };
  await Deno.writeTextFile(file, JSON.stringify({ at, machine, figures }, undefined, 2));
  return file.pathname;
}

const figures = await measure(chosenParts(Deno.args));
console.log(formatTable(figures));
console.log(`written to ${await writeResults(figures)}`);
if (!figures.every(meetsTarget)) Deno.exitCode = 1;
