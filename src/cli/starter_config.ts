import agents from "../../config/agents.yaml" with { type: "text" };
import supportExample from "../../config/agents.d/support.example.yaml" with { type: "text" };
import broker from "../../config/broker.yaml" with { type: "text" };
import llm from "../../config/llm.yaml" with { type: "text" };
import memory from "../../config/memory.yaml" with { type: "text" };
import emailExample from "../../config/plugins/email.example.yaml" with { type: "text" };
import telegramExample from "../../config/plugins/telegram.example.yaml" with { type: "text" };
import whatsappExample from "../../config/plugins/whatsapp.example.yaml" with { type: "text" };
import runtime from "../../config/runtime.yaml" with { type: "text" };
import { normalize } from "node:path";
import { AppError, toAppError } from "../core/error.ts";
import { isThere, removeIfThere } from "../folder/files.ts";
import { type ConfigDirFlag, defaultConfigDir } from "./place.ts";
import type { Terminal } from "./terminal.ts";

/** The config that the program comes with, by path in its folder. */
const starterFiles: Readonly<Record<string, string>> = {
  "agents.yaml": agents,
  "agents.d/support.example.yaml": supportExample,
  "broker.yaml": broker,
  "llm.yaml": llm,
  "memory.yaml": memory,
  "plugins/email.example.yaml": emailExample,
  "plugins/telegram.example.yaml": telegramExample,
  "plugins/whatsapp.example.yaml": whatsappExample,
  "runtime.yaml": runtime,
};

/**
 * Gives somebody who has nothing but the program a config to start from and to edit. Nothing is written where a folder
 * is named, or the default one is there.
 *
 * @throws {AppError} where the folder cannot be written.
 */
export async function writeStarterConfig(terminal: Terminal, { config }: ConfigDirFlag): Promise<void> {
  if (config !== undefined || terminal.env["AGENT_CONFIG"] || !await writeStarterFolder(defaultConfigDir)) return;
  terminal.complain(`There was no config: wrote one to ${defaultConfigDir} to start from.\n`);
}

/**
 * Writes the config that the program comes with into a folder that is not there, and tells whether it did.
 *
 * @param change Does more in the folder before it is seen: all of it is there at once, or nothing.
 * @throws {AppError} where the folder cannot be written; `conflict` where somebody has made it before `change` was done.
 */
export async function writeStarterFolder(
  dir: string,
  change?: (unfinished: string) => Promise<void>,
): Promise<boolean> {
  if (await isThere(dir)) return false;
  const unfinished = `${dir.replace(/\/+$/, "")}.${crypto.randomUUID()}`;
  try {
    await writeFiles(unfinished);
    await change?.(unfinished);
    await Deno.rename(unfinished, dir);
    return true;
  } catch (thrown) {
    await removeIfThere(unfinished, { recursive: true });
    if (await isThere(dir)) {
      if (change === undefined) return false;
      throw new AppError("conflict", `${dir} was made meanwhile. Nothing was written: run it again`);
    }
    if (!(thrown instanceof AppError)) throw thrown;
    const { kind, message, reason } = thrown;
    throw new AppError(kind, message.replaceAll(normalize(unfinished), normalize(dir)), {
      ...reason === undefined ? {} : { reason },
    });
  }
}

async function writeFiles(folder: string): Promise<void> {
  try {
    for (const [path, text] of Object.entries(starterFiles)) {
      await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, text);
    }
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    throw new AppError(kind, `Cannot write a config to start from: ${message}. Name your own with --config`);
  }
}
