import type { Child, Children } from "../child/open.ts";
import type { ChildSpec } from "../child/spec.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { greet } from "./link.ts";
import { type Manifest, toVariables } from "./manifest.ts";
import { newNotified } from "./notified.ts";
import { newRpc } from "./rpc.ts";
import type { Connection } from "./supervisor.ts";

/** What {@linkcode connectStdio} needs. */
export interface StdioDeps {
  readonly manifest: Manifest;
  /** The extension's own folder. */
  readonly folder: string;
  /** The only folder that it may write. */
  readonly stateDir: string;
  readonly children: Children;
  /** The value of a variable, where there is one to give. */
  variable(name: string): string | undefined;
  readonly log: Log;
  readonly clock: Clock;
}

/** Starts an extension as a confined child and greets it. @throws {AppError} */
export async function connectStdio(deps: StdioDeps, signal: AbortSignal): Promise<Connection> {
  const { manifest, children, log, clock } = deps;
  const env = toEnv(manifest, deps.variable);
  await Deno.mkdir(deps.stateDir, { recursive: true, mode: 0o700 });
  const spec = toSpec(deps, await Deno.realPath(deps.stateDir), env);
  const child = await children.start(spec, signal);
  const ended = Promise.withResolvers<string>();
  let over = false;
  const giveUp = (why: string) => {
    if (over) return;
    over = true;
    rpc.end(new AppError("unavailable", why, { retryAfterMs: 1_000 }));
    ended.resolve(why);
    child.kill();
  };
  const rpc = newRpc({
    name: manifest.id,
    clock,
    write: child.write,
    notified: newNotified(manifest.id, log, clock),
    broken: giveUp,
  });
  child.ended.then(({ message }) => giveUp(message));
  const reading = readLines(child, toSecrets(env), rpc.take);
  try {
    const offer = await greet(rpc, manifest, signal);
    return {
      rpc,
      offer,
      confinement: child.confinement,
      ended: ended.promise,
      giveUp,
      async [Symbol.asyncDispose]() {
        if (!over) sayGoodbye(child);
        over = true;
        rpc.end(new AppError("cancelled", "The extension was closed"));
        await child[Symbol.asyncDispose]();
        await reading;
      },
    };
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    const said = over ? "" : toLastWords(child);
    giveUp(message);
    await reading;
    throw new AppError(kind, `${message}${said}`);
  }
}

/** What an extension starts with. */
function toSpec({ manifest, folder }: StdioDeps, stateDir: string, env: Readonly<Record<string, string>>): ChildSpec {
  const { transport, limits, permissions } = manifest;
  if (transport.type !== "stdio") throw new AppError("bug", `${manifest.id} is not started but reached over NATS`);
  const { command, args } = transport;
  return {
    name: `ext.${manifest.id}`,
    program: transport.runtime === "deno"
      ? { kind: "deno", entry: toOwnFile(folder, command), args, imports: sdkImports() }
      : {
        kind: "program",
        command: command.startsWith("./") ? toOwnFile(folder, command) : command,
        args: args.map((arg) => arg.startsWith("./") ? toOwnFile(folder, arg) : arg),
      },
    env,
    stateDir,
    readable: [folder],
    permissions: { ...permissions, env: toVariables(manifest) },
    limits: {
      memoryBytes: limits.memory_mb * 1_048_576,
      cpuSeconds: limits.cpu_seconds,
      processes: limits.processes,
    },
  };
}

/** What a Deno extension can import by name. */
export function sdkImports(): Readonly<Record<string, string>> {
  return {
    "nexo": new URL("../sdk/extension.ts", import.meta.url).href,
    "nexo/guarded_fetch": new URL("../sdk/guarded_fetch.ts", import.meta.url).href,
  };
}

function toOwnFile(folder: string, path: string): string {
  const parts = path.split("/").filter((part) => part !== "." && part !== "");
  if (path.startsWith("/") || parts.includes("..")) {
    throw new AppError("invalid", `${path} is not in the extension's own folder. Write it as ./NAME`);
  }
  return `${folder}/${parts.join("/")}`;
}

function toEnv(manifest: Manifest, variable: StdioDeps["variable"]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    toVariables(manifest).flatMap((name) => {
      const value = variable(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Shorter values are words rather than secrets. */
const shortestSecret = 8;

/** Given values as they would stand in a line of JSON. */
function toSecrets(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.values(env).filter((value) => value.length >= shortestSecret).map((value) =>
    JSON.stringify(value).slice(1, -1)
  );
}

/** What an extension was given is not to be told to a model: it is blanked out of everything that it says. */
async function readLines(child: Child, secrets: readonly string[], take: (line: string) => void): Promise<void> {
  for await (const line of child.lines) {
    take(secrets.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), line));
  }
}

/** Its input ends right after this: what it still has to do, it does now. */
function sayGoodbye(child: Child): void {
  const line = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "shutdown", params: { reason: "closing" } });
  child.write(line).catch(() => {/* it ended first, which is what it was to be told */});
}

function toLastWords(child: Child): string {
  const words = child.stderr().trim().split("\n").slice(-3).join(" | ").slice(-500);
  return words === "" ? "" : `. It said: ${words}`;
}
