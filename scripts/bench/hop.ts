import { type Figure, toPercentiles } from "./figure.ts";

const rounds = 5_000;

/** Round trip of 1 KB of JSON text to a worker without permissions and back: what a plugin's port costs. */
export async function measureHop(): Promise<readonly Figure[]> {
  const worker = new Worker(new URL("./echo_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  const text = JSON.stringify({ type: "request", id: 1, request: { text: "x".repeat(950) } });
  const tripsMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.onmessage = () => resolve();
    worker.postMessage(text);
    await promise;
    tripsMs.push(performance.now() - startedMs);
  }
  worker.terminate();
  return toPercentiles("worker", "round trip of 1 KB", tripsMs.slice(rounds / 10));
}
