import type { Clock } from "../core/clock.ts";

/** What {@linkcode giveMemoryBack} uses. */
export interface MemoryDeps {
  readonly clock: Clock;
  /** The heap of this isolate, bytes. */
  heap(): { readonly heapTotal: number; readonly heapUsed: number };
  /** Collects all garbage and returns free pages to the system. */
  collect(): void;
}

const lookEveryMs = 1_000;
/** A heap up to this size is left alone, bytes. A process that has done nothing yet holds some 25 MB. */
const smallHeapBytes = 48_000_000;
/** A process whose heap changed by less than this since the last look is at rest, bytes. */
const restBytes = 1_000_000;

/**
 * Collects garbage when a process that was busy has come to rest, until `signal` fires. V8 lets the heap of a quiet
 * process lie for half a minute and longer; a pause of a tenth of a second harms nobody who is not there.
 */
export async function giveMemoryBack({ clock, heap, collect }: MemoryDeps, signal: AbortSignal): Promise<void> {
  let lastUsed = Infinity;
  let bound = smallHeapBytes;
  while (true) {
    await clock.wait(lookEveryMs, signal);
    const { heapTotal, heapUsed } = heap();
    const isAtRest = Math.abs(heapUsed - lastUsed) < restBytes;
    lastUsed = heapUsed;
    if (!isAtRest || heapTotal <= bound) continue;
    collect();
    const left = heap();
    lastUsed = left.heapUsed;
    // What is really in use must not be collected again every second.
    bound = Math.max(smallHeapBytes, 2 * left.heapTotal);
  }
}

/** V8's collector, where the process was started with `--expose-gc`. */
export function findCollector(): (() => void) | undefined {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc !== "function") return undefined;
  // Only the last resort also shrinks the young generation.
  return () => void gc({ type: "major", execution: "sync", flavor: "last-resort" });
}
