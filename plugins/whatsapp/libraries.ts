import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

// Runs in the worker before the libraries are loaded.
if (globalThis.constructor.name === "DedicatedWorkerGlobalScope") {
  // libsignal prints whole sessions, with their private keys, on the console. Nothing of ours writes there.
  const silence = () => undefined;
  Object.assign(globalThis.console, { log: silence, info: silence, warn: silence, error: silence, debug: silence });
  // pino, which nobody uses here, asks for the host's name while it is loaded: a permission that is not worth giving.
  os.hostname = () => "localhost";
  syncBuiltinESMExports();
}

/**
 * Gives back what loading the libraries has left behind: some 20 MB, which V8 would keep in a quiet worker. Only where
 * the process was started with `--expose-gc`.
 */
export function collectGarbage(): void {
  const gc: unknown = Reflect.get(globalThis, "gc");
  // Only the last resort also shrinks the young generation.
  if (typeof gc === "function") gc({ type: "major", execution: "sync", flavor: "last-resort" });
}
