/** A worker that is there and never says anything. */
globalThis.addEventListener("message", () => {});
