import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import { toLaunch } from "./launch.ts";
import type { FromChildWorker, ToChildWorker } from "./protocol.ts";
import { type ChildEnd, type ChildSpec, type Confinement, maxLineBytes } from "./spec.ts";
import { type ChildSystem, findChildSystem } from "./system.ts";

/** A program of others at work. Disposing it asks it to end, and then makes it. */
export interface Child extends AsyncDisposable {
  readonly confinement: Confinement;
  readonly pid: number;
  /** What it says, line by line, without empty lines. It waits while nobody reads. Ends with the child; read it once. */
  readonly lines: AsyncIterable<string>;
  /**
   * Writes one line; resolves when the child's pipe has taken it.
   *
   * @throws {AppError} `unavailable` when the child has ended or does not read; `invalid` for a line that is too long.
   */
  write(line: string): Promise<void>;
  /** The end of what it said on standard error, with secrets blanked out. */
  stderr(): string;
  readonly ended: Promise<ChildEnd>;
  /** Ends it at once, without asking: for one that has shown that it does not do what it is told. */
  kill(): void;
}

/** Starts children, each watched by a worker that may start nothing else. */
export interface Children {
  /** What holds children back on this machine. Asks the machine once. */
  system(): Promise<ChildSystem>;
  /**
   * Starts `spec`. The child ends with `signal`, with this process however that ends, and with what disposes it.
   *
   * @throws {AppError} `missing` for a program that is not there; `unavailable` when it cannot be started.
   */
  start(spec: ChildSpec, signal: AbortSignal): Promise<Child>;
}

/** What {@linkcode newChildren} needs. */
export interface ChildrenDeps {
  readonly clock: Clock;
  /** Blanks out what looks like a secret. */
  redact(text: string): string;
}

/** After its input has ended, a child may take this long to go by itself; after SIGTERM as long again. */
const graceMs = 3_000;
/** What a child has started may hold its pipes open; nobody waits longer for that. */
const lingerMs = 1_000;
/** Lines on their way to a child that does not read. */
const maxUnwrittenBytes = 8 * 1_048_576;
/** Shorter values of variables are words rather than secrets. */
const shortestSecret = 6;

/** Makes {@linkcode Children}. Nothing is asked or started before the first child is. */
export function newChildren(deps: ChildrenDeps, findSystem = findChildSystem): Children {
  let found: Promise<ChildSystem> | undefined;
  const system = () => found ??= findSystem();
  return {
    system,
    start: async (spec, signal) => await startChild(spec, await system(), deps, signal),
  };
}

async function startChild(
  spec: ChildSpec,
  system: ChildSystem,
  { clock, redact }: ChildrenDeps,
  signal: AbortSignal,
): Promise<Child> {
  signal.throwIfAborted();
  const launch = await toLaunch(spec, system, Deno.pid);
  for (const path of launch.ownFolders) {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    if (launch.uid !== undefined) await Deno.chown(path, launch.uid, launch.uid);
  }

  const worker = newChildWorker(spec.name, launch.command);
  const started = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<ChildEnd>();
  const gone = new AbortController();
  const queue = newLineQueue(() => post({ type: "more" }));
  const writes = new Map<number, { readonly bytes: number; readonly done: PromiseWithResolvers<void> }>();
  let lastWrite = 0;
  let unwrittenBytes = 0;
  let tail = "";
  let pid = 0;
  let stopping = false;

  function post(message: ToChildWorker): void {
    worker.postMessage(message);
  }

  function end(reason: ChildEnd["reason"], what: string): void {
    if (gone.signal.aborted) return;
    const message = `${what}${toLastWords(blank(tail))}`;
    gone.abort();
    signal.removeEventListener("abort", stop);
    killGroup(pid, "SIGKILL");
    worker.terminate();
    for (const { done } of writes.values()) done.reject(new AppError("unavailable", message));
    queue.end();
    started.reject(new AppError("unavailable", `Cannot start ${spec.name}: ${message}`));
    ended.resolve({ reason: stopping ? "stopped" : reason, message });
  }

  function take(message: FromChildWorker): void {
    switch (message.type) {
      case "started":
        pid = message.pid;
        return started.resolve(message.pid);
      case "failed":
        return end("start_failed", message.message);
      case "lines":
        return queue.add(message.lines);
      case "wrote": {
        const write = writes.get(message.id);
        writes.delete(message.id);
        unwrittenBytes -= write?.bytes ?? 0;
        if (message.fault === undefined) return write?.done.resolve();
        return write?.done.reject(new AppError("unavailable", `${spec.name} takes no more input: ${message.fault}`));
      }
      case "stderr":
        tail = message.tail;
        return;
      case "tooLong":
        return end("line_too_long", `It wrote a line of more than ${maxLineBytes} bytes`);
      case "leaving":
        // Whatever it has started ends with it.
        killGroup(pid, "SIGKILL");
        return after(lingerMs, () => end("exited", "It has ended"));
      case "exited":
        tail = message.tail;
        return end(...toEnd(message));
    }
  }

  function after(ms: number, act: () => void): void {
    clock.wait(ms, gone.signal).then(act, () => {/* it was gone before */});
  }

  function stop(): void {
    if (stopping) return;
    stopping = true;
    post({ type: "end" });
    after(graceMs, () => killGroup(pid, "SIGTERM"));
    after(2 * graceMs, () => end("stopped", "It did not end when it was asked to"));
  }

  function blank(text: string): string {
    const secrets = Object.values(spec.env).filter((value) => value.length >= shortestSecret);
    return redact(secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text));
  }

  worker.onmessage = (event: MessageEvent<FromChildWorker>) => {
    if (!gone.signal.aborted) take(event.data);
  };
  worker.onerror = (event) => {
    // Without this an error in a worker ends the whole process.
    event.preventDefault();
    end("start_failed", event.message);
  };
  signal.addEventListener("abort", stop);
  const { command, args, env, cwd } = launch;
  post({ type: "start", command, args, env, cwd });
  ended.promise.then(() => writes.clear());
  await started.promise;

  return {
    confinement: launch.confinement,
    pid,
    lines: queue.lines,
    async write(line) {
      const bytes = line.length;
      if (bytes > maxLineBytes) {
        throw new AppError(
          "invalid",
          `A line for ${spec.name} is ${bytes} characters long. At most ${maxLineBytes} go`,
        );
      }
      if (gone.signal.aborted) throw new AppError("unavailable", (await ended.promise).message);
      if (unwrittenBytes + bytes > maxUnwrittenBytes) {
        throw new AppError("unavailable", `${spec.name} does not read its input`, { retryAfterMs: 1_000 });
      }
      const done = Promise.withResolvers<void>();
      writes.set(++lastWrite, { bytes, done });
      unwrittenBytes += bytes;
      post({ type: "write", id: lastWrite, line });
      await done.promise;
    },
    stderr: () => blank(tail),
    ended: ended.promise,
    kill: () => end("killed", "It was ended"),
    async [Symbol.asyncDispose]() {
      stop();
      await ended.promise;
    },
  };
}

/** A worker that may start `command` and do nothing else. */
function newChildWorker(name: string, command: string): Worker {
  const none = { read: false, write: false, net: false, env: false, sys: false, ffi: false, import: false } as const;
  return new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name,
    deno: { permissions: { ...none, run: [command] } },
  });
}

/** Lines between the worker and whoever reads them: the next batch is asked for when the last was read. */
function newLineQueue(askForMore: () => void) {
  let batch: readonly string[] = [];
  let at = 0;
  let over = false;
  let wake = Promise.withResolvers<void>();

  async function* read(): AsyncGenerator<string> {
    for (;;) {
      const line = batch[at];
      if (line !== undefined) {
        at++;
        yield line;
        if (at === batch.length) taken();
        continue;
      }
      if (over) return;
      await wake.promise;
    }
  }

  function taken(): void {
    batch = [];
    at = 0;
    askForMore();
  }

  return {
    lines: read(),
    add(lines: readonly string[]) {
      batch = lines;
      at = 0;
      wake.resolve();
      wake = Promise.withResolvers();
    },
    end() {
      over = true;
      wake.resolve();
    },
  };
}

function killGroup(pid: number, signal: Deno.Signal): void {
  if (pid === 0) return;
  try {
    Deno.kill(-pid, signal);
  } catch (thrown) {
    // The whole group has ended already.
    if (!(thrown instanceof Deno.errors.NotFound)) throw toAppError(thrown);
  }
}

function toEnd(
  { code, signal }: { readonly code: number; readonly signal: string | undefined },
): [ChildEnd["reason"], string] {
  // A program inside bubblewrap that a signal has ended shows as 128 and the signal's number.
  const name = signal ?? signalNames[code - 128];
  if (name === undefined) return ["exited", code === 0 ? "It ended" : `It ended with code ${code}`];
  const why = name === "SIGXCPU" ? ": it has used up its processor time" : "";
  return ["killed", `It was ended by ${name}${why}`];
}

const signalNames: Readonly<Record<number, string>> = {
  2: "SIGINT",
  5: "SIGTRAP",
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
  24: "SIGXCPU",
};

function toLastWords(stderr: string): string {
  const lines = stderr.trim().split("\n").filter((line) => line.trim() !== "").slice(-3).join(" | ");
  return lines === "" ? "" : `. It said: ${lines.slice(-500)}`;
}
