import "./harden.ts";
import { z } from "zod";
import { AppError, toErrorRecord } from "../core/error.ts";
import type { Log, LogFields, LogLevel } from "../core/log.ts";
import { inboundSchema } from "../core/message.ts";
import type { Channel, PluginHost } from "../core/plugin.ts";
import { type Credits, newCredits } from "./credits.ts";
import {
  type ChannelRequest,
  type HostMessage,
  hostMessageSchema,
  type HostRequest,
  type WorkerMessage,
} from "./protocol.ts";
import { newQuestions, type Questions, toAnswer } from "./questions.ts";

/** What a plugin's worker does. */
export interface PluginDefinition<S extends z.ZodType> {
  /**
   * The plugin's own config schema. It must take what it gave out, written as JSON: the host checked the config once,
   * the worker checks it again. A secret in it reads `[secret]`; its value comes from {@linkcode PluginHost.secret}.
   */
  readonly config: S;
  /** Connects to the provider. What it throws is a failed start; the host tries again later. */
  open(host: PluginHost<z.output<S>>): Promise<Channel & AsyncDisposable>;
}

/** What a worker is to its own code; Deno's default types describe only the main isolate. */
interface WorkerScope {
  postMessage(text: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

interface Port {
  post(message: WorkerMessage): void;
  readonly questions: Questions<HostRequest>;
  readonly credits: Credits;
  /** Fires when receiving is over. */
  readonly receiving: AbortController;
  /** Fires when the worker is about to go: answers of the host are not waited for any more. */
  readonly going: AbortController;
}

/** V8's collector, where the process was started with `--expose-gc`. */
function findCollector(): (() => void) | undefined {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc !== "function") return undefined;
  // Only the last resort also shrinks the young generation.
  return () => void gc({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** Serves the host from inside a worker. Called once, at the top level of the plugin's worker module. */
export function servePlugin<S extends z.ZodType>(definition: PluginDefinition<S>): void {
  const scope = globalThis as unknown as WorkerScope; // eraser: the types of the worker's global are not loaded
  const post = (message: WorkerMessage) => scope.postMessage(JSON.stringify(message));
  const port: Port = {
    post,
    questions: newQuestions<HostRequest>({
      ask: (id, request) => post({ type: "request", id, request }),
      // The host cannot take back what it is committing, so it is not told: the late answer falls to the ground.
      abort: () => undefined,
    }),
    credits: newCredits(),
    receiving: new AbortController(),
    going: new AbortController(),
  };
  const running = new Map<number, { readonly abort: AbortController; readonly done: Promise<void> }>();
  let channel: (Channel & AsyncDisposable) | undefined;
  let collect = findCollector();

  /** Reading a provider's library leaves megabytes of garbage, which V8 lets lie in a worker that does little. */
  function giveStartBack(): void {
    collect?.();
    collect = undefined;
  }

  async function start(message: HostMessage & { type: "start" }): Promise<void> {
    try {
      port.credits.add(message.credits);
      channel = await definition.open(newHost(port, message, definition.config.parse(message.config)));
      post({ type: "ready" });
    } catch (thrown) {
      post({ type: "failed", error: toErrorRecord(thrown) });
    }
  }

  function serve(id: number, request: ChannelRequest): void {
    const abort = new AbortController();
    const done = toAnswer(id, () => ask(channel, request, abort.signal)).then((answer) => {
      running.delete(id);
      post(answer);
    });
    running.set(id, { abort, done });
  }

  async function dispose(): Promise<void> {
    port.receiving.abort();
    port.going.abort();
    try {
      // What is being sent goes out whole; the host ends the worker when that takes too long.
      await Promise.all([...running.values()].map(({ done }) => done));
      await channel?.[Symbol.asyncDispose]();
    } catch (thrown) {
      newLog(post).error("plugin.dispose_failed", { error: toErrorRecord(thrown).message });
    }
    post({ type: "disposed" });
  }

  scope.addEventListener("message", (event) => {
    const message = hostMessageSchema.parse(JSON.parse(String(event.data)));
    switch (message.type) {
      case "start":
        return void start(message);
      case "ping":
        post({ type: "pong" });
        if (channel !== undefined && running.size === 0) giveStartBack();
        return;
      case "request":
        return serve(message.id, message.request);
      case "abort":
        return running.get(message.id)?.abort.abort();
      case "stopReceiving":
        port.receiving.abort();
        return post({ type: "receivingStopped" });
      case "dispose":
        return void dispose();
      case "answer":
        return port.questions.take(message);
    }
  });
}

async function ask(channel: Channel | undefined, request: ChannelRequest, signal: AbortSignal): Promise<unknown> {
  if (channel === undefined) throw new AppError("unavailable", "The plugin is still starting", { retryAfterMs: 1_000 });
  switch (request.method) {
    case "send":
      return await channel.send(request.message, signal);
    case "find": {
      const receipt = await channel.find?.(request.key, signal);
      return receipt === undefined ? {} : { receipt };
    }
    case "typing":
      await channel.typing?.(request.conversation, request.thread, signal);
      return { shown: channel.typing !== undefined };
    case "webhook":
      if (channel.webhook === undefined) throw new AppError("missing", "This plugin takes no webhook requests");
      return await channel.webhook(request.request, signal);
    case "fetch":
      if (channel.fetch === undefined) throw new AppError("missing", "This plugin has no attachments to fetch");
      return await channel.fetch(request.ref, { maxBytes: request.maxBytes }, signal);
    case "tool":
      if (channel.tool === undefined) throw new AppError("missing", `This plugin has no tool ${request.call.name}`);
      return await channel.tool(request.call, signal);
  }
}

function newHost<C>(port: Port, start: HostMessage & { type: "start" }, config: C): PluginHost<C> {
  return {
    instance: start.instance,
    stateDir: start.stateDir,
    config,
    log: newLog(port.post),
    signal: port.receiving.signal,
    async receive(message) {
      const checked = inboundSchema.safeParse(message);
      if (!checked.success) throw new AppError("invalid", `The message is not one: ${z.prettifyError(checked.error)}`);
      await port.credits.take(port.receiving.signal);
      try {
        await port.questions.ask({ method: "receive", message: checked.data }, port.going.signal);
      } finally {
        port.credits.add(1);
      }
    },
    async secret(name) {
      return String(await port.questions.ask({ method: "secret", name }, port.going.signal));
    },
    report: (health) => port.post({ type: "health", health }),
  };
}

function newLog(post: (message: WorkerMessage) => void, base: LogFields = {}): Log {
  const write = (level: LogLevel) => (event: string, fields: LogFields = {}) => {
    const known = Object.entries({ ...base, ...fields }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const]
    );
    post({ type: "log", level, event, fields: Object.fromEntries(known) });
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: (fields) => newLog(post, { ...base, ...fields }),
  };
}
