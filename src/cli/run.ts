import { type App, openApp } from "../app/open.ts";
import { AppError, errorKinds } from "../core/error.ts";
import { newInk } from "./ink.ts";
import { type ConfigDirFlag, type DataDirFlag, toConfigDir, toDataDir } from "./place.ts";
import { formatStartPage } from "./start_page.ts";
import { writeStarterConfig } from "./starter_config.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `agent run`. */
export interface RunFlags extends ConfigDirFlag, DataDirFlag {
  readonly takeover: boolean;
  readonly json: boolean;
}

interface Place {
  readonly configDir: string;
  readonly dataDir: string;
}

const stopSignals = ["SIGINT", "SIGTERM"] as const;
/** `deno task` passes on what the terminal has sent to both of us: a second signal this close is the first one's echo. */
const echoMs = 500;

/** `agent run`: opens the runtime and keeps it until a signal, or another process that takes over, ends it. */
export async function run(terminal: Terminal, flags: RunFlags): Promise<number> {
  await writeStarterConfig(terminal, flags);
  const place: Place = { configDir: toConfigDir(flags, terminal.env), dataDir: toDataDir(flags, terminal.env) };
  const stop = new AbortController();
  let firstAtMs = Infinity;
  const onSignal = () => {
    const nowMs = performance.now();
    if (nowMs - firstAtMs > echoMs) Deno.exit(errorKinds.cancelled.exitCode);
    if (stop.signal.aborted) return;
    firstAtMs = nowMs;
    stop.abort(new AppError("cancelled", "The process was told to stop"));
  };
  for (const name of stopSignals) Deno.addSignalListener(name, onSignal);
  try {
    await using app = await openApp({ ...place, env: terminal.env, takeover: flags.takeover }, stop.signal);
    terminal.print(flags.json ? toReadyLine(app) : toStartPage(app, terminal, place));
    await aborted(AbortSignal.any([stop.signal, app.wanted]));
    if (!flags.json) terminal.print("\nStopping: running turns may finish. Press Ctrl-C again to leave at once.\n");
  } catch (thrown) {
    if (!stop.signal.aborted || thrown !== stop.signal.reason) throw thrown;
  } finally {
    for (const name of stopSignals) Deno.removeSignalListener(name, onSignal);
  }
  return 0;
}

/** For programs that start this one: one line of JSON. */
function toReadyLine(app: App): string {
  const { pid, bootId } = app.status();
  return `${JSON.stringify({ event: "ready", addresses: app.addresses, pid, bootId })}\n`;
}

function toStartPage(app: App, { color, columns, env }: Terminal, { dataDir }: Place): string {
  const tokenPlace = env["AGENT_ADMIN_TOKEN"] ? "AGENT_ADMIN_TOKEN" : `${dataDir}/admin.token`;
  // The journal of systemd keeps what it is given, and others than the operator may read it.
  const isKept = env["JOURNAL_STREAM"] !== undefined && columns === undefined;
  const loginLink = isKept ? app.addresses.admin.href : app.newLoginLink();
  const page = { status: app.status(), loginLink, tokenPlace, columns };
  return formatStartPage(page, newInk(color));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
