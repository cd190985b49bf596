import type { FromChildWorker, ToChildWorker } from "./protocol.ts";
import { maxLineBytes } from "./spec.ts";

/** More lines at once would keep the host from other work for too long. */
const maxBatchLines = 64;
const stderrTailBytes = 4_096;
const stderrEveryMs = 200;

const scope: {
  postMessage(message: FromChildWorker): void;
  onmessage: ((event: MessageEvent<ToChildWorker>) => void) | null;
} = globalThis as never; // the types of a worker's own scope are not among those of the main isolate

serveChild();

/** Starts one child and carries its lines. */
function serveChild(): void {
  let stdin: WritableStreamDefaultWriter<Uint8Array> | undefined;
  let more = Promise.withResolvers<void>();
  let heard = true;
  const encoder = new TextEncoder();

  async function start(command: string, options: Deno.CommandOptions): Promise<void> {
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(command, options).spawn();
    } catch (thrown) {
      return scope.postMessage({ type: "failed", message: thrown instanceof Error ? thrown.message : String(thrown) });
    }
    stdin = child.stdin.getWriter();
    stdin.closed.catch(() => {/* it has ended, or reads no more: each write says so itself */});
    scope.postMessage({ type: "started", pid: child.pid });
    const stderr = newTail();
    const status = child.status.then((one) => {
      scope.postMessage({ type: "leaving" });
      return one;
    });
    const [{ code, signal }] = await Promise.all([status, readLines(child.stdout), stderr.follow(child.stderr)]);
    scope.postMessage({ type: "exited", code, signal: signal ?? undefined, tail: stderr.text() });
  }

  async function readLines(stdout: ReadableStream<Uint8Array>): Promise<void> {
    const splitter = newSplitter();
    for await (const chunk of stdout) {
      const lines = splitter.add(chunk);
      if (lines === undefined) {
        // Not read on: the host ends the child.
        return scope.postMessage({ type: "tooLong" });
      }
      for (let at = 0; at < lines.length; at += maxBatchLines) await hand(lines.slice(at, at + maxBatchLines));
    }
    const rest = splitter.rest();
    if (rest !== "") await hand([rest]);
  }

  /** The child waits, by its pipe, until the host has taken them. */
  async function hand(lines: readonly string[]): Promise<void> {
    if (!heard) return;
    more = Promise.withResolvers<void>();
    scope.postMessage({ type: "lines", lines });
    await more.promise;
  }

  async function write(id: number, line: string): Promise<void> {
    try {
      await stdin?.write(encoder.encode(`${line}\n`));
      scope.postMessage({ type: "wrote", id });
    } catch (thrown) {
      scope.postMessage({ type: "wrote", id, fault: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }

  scope.onmessage = ({ data }) => {
    switch (data.type) {
      case "start": {
        const { command, args, env, cwd } = data;
        const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
        return void start(command, { args: [...args], env: { ...env }, cwd, clearEnv: true, detached: true, ...piped });
      }
      case "write":
        return void write(data.id, data.line);
      case "more":
        return more.resolve();
      case "end":
        heard = false;
        more.resolve();
        return void stdin?.close().catch(() => {/* it has ended, or reads no more: it is closed either way */});
    }
  };
}

/** Cuts bytes into lines. Empty ones are left out. */
function newSplitter() {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let partBytes = 0;

  function take(end: Uint8Array): string {
    const bytes = new Uint8Array(partBytes + end.length);
    let at = 0;
    for (const part of [...parts, end]) {
      bytes.set(part, at);
      at += part.length;
    }
    parts = [];
    partBytes = 0;
    return decoder.decode(bytes).trim();
  }

  return {
    /** `undefined`: a line is too long. */
    add(chunk: Uint8Array): string[] | undefined {
      const lines: string[] = [];
      let from = 0;
      for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
        if (partBytes + to - from > maxLineBytes) return undefined;
        const line = take(chunk.subarray(from, to));
        if (line !== "") lines.push(line);
        from = to + 1;
      }
      if (partBytes + chunk.length - from > maxLineBytes) return undefined;
      if (from < chunk.length) {
        parts.push(chunk.slice(from));
        partBytes += chunk.length - from;
      }
      return lines;
    },
    rest: () => take(new Uint8Array()),
  };
}

/** Keeps the end of standard error, and tells it now and then. */
function newTail() {
  let tail = new Uint8Array();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const text = () => new TextDecoder().decode(tail);
  const tell = () => {
    timer = undefined;
    scope.postMessage({ type: "stderr", tail: text() });
  };
  return {
    text,
    async follow(stderr: ReadableStream<Uint8Array>): Promise<void> {
      for await (const chunk of stderr) {
        const kept = tail.subarray(Math.max(0, tail.length + chunk.length - stderrTailBytes));
        const joined = new Uint8Array(kept.length + Math.min(chunk.length, stderrTailBytes));
        joined.set(kept);
        joined.set(chunk.subarray(-stderrTailBytes), kept.length);
        tail = joined;
        timer ??= setTimeout(tell, stderrEveryMs);
      }
      clearTimeout(timer);
    },
  };
}
