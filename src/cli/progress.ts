import { toPlainLine } from "./plain.ts";
import type { Terminal } from "./terminal.ts";

/** Tells on standard error how far long work is. Disposing it leaves no trace of it on a terminal. */
export interface Progress extends Disposable {
  /** How far it is now. Told again and again; shown now and then. */
  tell(text: string): void;
}

/** Short work needs no words. */
const silentMs = 500;
/** On a terminal, where one line is written anew. */
const terminalMs = 100;
/** On a pipe, where each is a line of its own that stays. */
const pipeMs = 10_000;

/**
 * Opens a {@linkcode Progress}.
 *
 * @param now Milliseconds that only grow.
 */
export function openProgress(
  { interactive, columns = 80, complain }: Pick<Terminal, "interactive" | "columns" | "complain">,
  now: () => number = () => performance.now(),
): Progress {
  let nextAtMs = now() + (interactive ? silentMs : pipeMs);
  let isShown = false;
  return {
    tell(text) {
      if (now() < nextAtMs) return;
      nextAtMs = now() + (interactive ? terminalMs : pipeMs);
      isShown = true;
      const line = toPlainLine(text, columns - 1);
      complain(interactive ? `${eraseLine}${line}` : `${line}\n`);
    },
    [Symbol.dispose]() {
      if (interactive && isShown) complain(eraseLine);
      isShown = false;
    },
  };
}

/** To the beginning of the line, and away with what stands there. */
const eraseLine = "\r\x1b[K";

/** Passes a stream on and tells how many bytes of it have gone by. */
export function withByteCount(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onBytes: (total: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let total = 0;
  return stream.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        onBytes(total += chunk.length);
        controller.enqueue(chunk);
      },
    }),
  );
}
