import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";

/** Connections at the same time: far more than probes and webhooks need. Each takes three file descriptors. */
const maxConnections = 512;
/** Rest after one could not be taken: it fails anew at once where the file descriptors are used up. */
const restMs = 100;
const chunkBytes = 8_192;

/**
 * Stands before a listener that strangers reach: `Deno.serve` takes connections until the file descriptors of the process
 * are used up, and the process ends of it.
 */
export interface Gate extends AsyncDisposable {
  /** Who asks on the connection that comes from this port; `undefined`: it came by another way. */
  peerOf(port: number): string | undefined;
  /** Takes no more connections; those that there are go on. */
  close(): void;
}

interface Passage {
  readonly peer: string;
  readonly ends: readonly [Deno.TcpConn, Deno.TcpConn];
}

/** Passes connections on to a port of this machine. Of too many the one goes that was silent longest. */
export function openGate(
  listener: Deno.TcpListener,
  target: number,
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock },
): Gate {
  const stop = new AbortController();
  /** By the port to our side, the one that was silent longest first. */
  const passages = new Map<number, Passage>();
  const passing = new Set<Promise<void>>();

  const end = (from: number) => {
    passages.get(from)?.ends.forEach(close);
    passages.delete(from);
  };
  const makeRoom = () => {
    if (passages.size < maxConnections) return;
    metrics.count("nexo_refusals_total", { part: "http", reason: "too_many_connections" });
    for (const oldest of [...passages.keys()].slice(0, passages.size - maxConnections + 1)) end(oldest);
  };
  const enter = async (outer: Deno.TcpConn): Promise<void> => {
    let inner: Deno.TcpConn;
    try {
      inner = await Deno.connect({ hostname: "127.0.0.1", port: target });
    } catch (thrown) {
      outer.close();
      throw thrown;
    }
    makeRoom();
    const passed = pass(outer, inner).finally(() => passing.delete(passed));
    passing.add(passed);
  };
  const pass = async (outer: Deno.TcpConn, inner: Deno.TcpConn): Promise<void> => {
    const from = inner.localAddr.port;
    const passage: Passage = { peer: outer.remoteAddr.hostname, ends: [outer, inner] };
    passages.set(from, passage);
    const touch = () => {
      if (passages.delete(from)) passages.set(from, passage);
    };
    void copy(outer, inner, touch).then(() => inner.closeWrite()).catch(() => end(from));
    await copy(inner, outer, touch).catch(() => {/* one of the two has gone: so does the other */});
    end(from);
  };
  const accept = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        // One after the other: no more than one is open beyond the bound.
        await enter(await listener.accept());
      } catch {
        // The listener is closed, or there was no descriptor for the connection: some will be free again.
        await clock.wait(restMs, stop.signal).catch(() => {/* closing: the loop ends */});
      }
    }
  };
  const accepting = accept();

  const gate = {
    peerOf: (from: number) => passages.get(from)?.peer,
    close() {
      if (stop.signal.aborted) return;
      stop.abort();
      listener.close();
    },
    async [Symbol.asyncDispose]() {
      gate.close();
      for (const from of [...passages.keys()]) end(from);
      await accepting;
      await Promise.all(passing);
    },
  };
  return gate;
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn, touch: () => void): Promise<void> {
  const buffer = new Uint8Array(chunkBytes);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    touch();
    for (let written = 0; written < count;) written += await to.write(buffer.subarray(written, count));
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed by the other side of the passage.
  }
}
