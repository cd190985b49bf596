import { tryNats } from "../app/live.ts";
import { toAppError } from "../core/error.ts";
import type { Prompts } from "./prompts.ts";
import { carryOut, type PlaceFlags, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup nats`. */
export interface NatsFlags extends PlaceFlags {
  readonly url?: string;
  readonly offline: boolean;
}

const localUrl = "nats://127.0.0.1:4222";

/** Lets events travel over NATS too. The server is tried before anything is written. @throws {AppError} */
export async function setUpNats(site: Site, flags: NatsFlags): Promise<void> {
  const prompts = await promptsFor(site, "nats", { "--url": flags.url });
  const { broker } = await site.load();
  const url = flags.url ?? await askUrl(prompts);
  if (!flags.offline) await tryOut(site, url, prompts);
  const changes = broker.type === "nats"
    ? [{ path: ["broker", "url"], value: url }]
    : [{ path: ["broker"], value: { type: "nats", url } }];
  await carryOut(site, {
    changes: [{ path: "broker.yaml", changes }],
    done: "other processes and programs listen and speak on NATS (docs/nats.md), from the next start on",
  }, prompts);
}

/** Whether a NATS server answers on this machine. */
async function isNatsHere(): Promise<boolean> {
  try {
    await tryNats(localUrl);
    return true;
  } catch (thrown) {
    const { kind } = toAppError(thrown);
    if (kind === "unavailable" || kind === "timeout") return false;
    throw thrown;
  }
}

async function askUrl(prompts: Prompts | undefined): Promise<string> {
  const found = await isNatsHere();
  prompts?.tell(found ? `A NATS server answers at ${localUrl}.` : "No NATS server answers on this machine.");
  return await prompts?.text({ message: "Address of the server", fallback: localUrl }) ?? localUrl;
}

async function tryOut({ terminal }: Site, url: string, prompts: Prompts | undefined): Promise<void> {
  try {
    await tryNats(url);
    terminal.print(`${url} answers.\n`);
  } catch (thrown) {
    if (prompts === undefined) throw thrown;
    prompts.warn(toAppError(thrown).message);
    if (!await prompts.confirm("Write it all the same?", false)) throw thrown;
  }
}
