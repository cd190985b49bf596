// libsignal prints whole sessions, with their private keys, on the console. Nothing of ours writes there.
if (globalThis.constructor.name === "DedicatedWorkerGlobalScope") {
  const silence = () => undefined;
  Object.assign(globalThis.console, { log: silence, info: silence, warn: silence, error: silence, debug: silence });
}
