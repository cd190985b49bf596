import { syncBuiltinESMExports } from "node:module";
import process from "node:process";

// Runs while the worker's first import is evaluated, so before the plugin and its libraries: they never see the originals.
if (globalThis.constructor.name === "DedicatedWorkerGlobalScope") hardenWorker();

/**
 * Takes away what Deno's worker permissions leave open: signals to our own process, ends that the host does not hear of,
 * nested workers that would bring all of it back, and channels between workers.
 *
 * What stays open: `node:worker_threads` can make a thread (with the worker's own permissions), and nothing caps memory
 * or processor time. Code that is not ours therefore never runs in a worker.
 */
function hardenWorker(): void {
  const scope: { postMessage?: (text: string) => void; close?: () => void } = globalThis;
  const post = scope.postMessage?.bind(globalThis);
  const close = scope.close?.bind(globalThis);
  const leave = (how: string) => (): never => {
    post?.(JSON.stringify({ type: "left", how }));
    close?.();
    throw new Error(`${how}() is not a plugin's: the host ends the worker`);
  };
  const refuse = (what: string) => (): never => {
    throw new Deno.errors.NotCapable(`${what} is closed to plugins`);
  };
  fix(Deno, "kill", refuse("Deno.kill"));
  fix(Deno, "exit", leave("Deno.exit"));
  fix(globalThis, "close", leave("self.close"));
  fix(globalThis, "Worker", undefined);
  fix(globalThis, "BroadcastChannel", undefined);
  for (const name of ["kill", "_kill", "abort", "_debugProcess"]) fix(process, name, refuse(`process.${name}`));
  for (const name of ["exit", "reallyExit"]) fix(process, name, leave(`process.${name}`));
  syncBuiltinESMExports();
}

function fix(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: false, configurable: false });
}
