import type { JSONRPCMessage, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { AppError, errorKinds, toAppError } from "../core/error.ts";
import { requireRunning } from "./admin_client.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlainLine } from "./plain.ts";
import type { Terminal } from "./terminal.ts";

/**
 * `agent mcp-server`: our own MCP server on standard input and output, for desktop clients. It passes messages on to the
 * running process, also over its restarts. Nothing but messages goes to standard output.
 */
export async function serveStdio(
  terminal: Terminal,
  flags: DataDirFlag & { readonly agent?: string },
): Promise<number> {
  const { StreamableHTTPClientTransport, deserializeMessage } = await import("@modelcontextprotocol/client");
  const dataDir = toDataDir(flags, terminal.env);
  const bridge = newBridge({
    say: (message) => terminal.print(`${JSON.stringify(message)}\n`),
    complain: (text) => terminal.complain(`${toPlainLine(text, 500)}\n`),
    async open() {
      const running = await requireRunning(dataDir, terminal.env);
      const url = new URL("/mcp", running.console);
      if (flags.agent !== undefined) url.searchParams.set("agent", flags.agent);
      return new StreamableHTTPClientTransport(url, {
        requestInit: { headers: { authorization: `Bearer ${running.token}` } },
      });
    },
  });
  for await (const line of terminal.lines()) {
    if (line.trim() === "") continue;
    try {
      await bridge.pass(deserializeMessage(line));
    } catch {
      terminal.complain(`Not a message of MCP: ${toPlainLine(line, 100)}\n`);
    }
  }
  await bridge.end();
  return 0;
}

interface Bridge {
  /** Passes a message on. A request that gets no answer is answered with an error. */
  pass(message: JSONRPCMessage): Promise<void>;
  end(): Promise<void>;
}

function newBridge(
  { say, complain, open }: {
    /** Gives the desktop client a message. */
    readonly say: (message: JSONRPCMessage) => void;
    readonly complain: (text: string) => void;
    /** A way to the process that runs now. */
    open(): Promise<StreamableHTTPClientTransport>;
  },
): Bridge {
  let way: StreamableHTTPClientTransport | undefined;
  /** What the client began the session with: said again to a process that has been started since. */
  let greeting: JSONRPCMessage | undefined;
  /** Requests without an answer; those of a greeting that was said again are not the client's. */
  const waiting = new Map<string | number, { readonly isOurs: boolean }>();

  function hear(from: StreamableHTTPClientTransport, message: JSONRPCMessage): void {
    const id = toResponseId(message);
    if (id === undefined) return say(message);
    const version = "result" in message ? message.result["protocolVersion"] : undefined;
    if (typeof version === "string") from.setProtocolVersion(version);
    const request = waiting.get(id);
    waiting.delete(id);
    if (request?.isOurs !== true) say(message);
  }

  function fail(id: string | number, error: AppError): void {
    const request = waiting.get(id);
    if (request === undefined) return;
    waiting.delete(id);
    complain(error.message);
    if (!request.isOurs) {
      say({ jsonrpc: "2.0", id, error: { code: errorKinds[error.kind].rpcCode, message: error.message } });
    }
  }

  async function send(to: StreamableHTTPClientTransport, message: JSONRPCMessage, isOurs = false): Promise<void> {
    const id = toRequestId(message);
    if (id === undefined) return await to.send(message);
    waiting.set(id, { isOurs });
    await to.send(message, {
      onRequestStreamEnd: () =>
        fail(id, new AppError("unavailable", "The process ended before it answered; what it did is unknown")),
    });
  }

  async function connect(): Promise<StreamableHTTPClientTransport> {
    const next = await open();
    next.onmessage = (message) => hear(next, message);
    next.onerror = (error) => complain(error.message);
    await next.start();
    way = next;
    return next;
  }

  /** The process may have been started anew: then it knows nothing of the session, and may be elsewhere. */
  async function connectAgain(message: JSONRPCMessage): Promise<StreamableHTTPClientTransport> {
    await way?.close();
    way = undefined;
    const next = await connect();
    if (greeting !== undefined && message !== greeting) {
      await send(next, greeting, true);
      await next.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    }
    return next;
  }

  return {
    async pass(message) {
      if ("method" in message && message.method === "initialize") greeting = message;
      try {
        try {
          await send(way ?? await connect(), message);
        } catch {
          await send(await connectAgain(message), message);
        }
      } catch (thrown) {
        const error = toAppError(thrown);
        const id = toRequestId(message);
        if (id === undefined) complain(error.message);
        else {
          waiting.set(id, { isOurs: false });
          fail(id, error);
        }
      }
    },
    async end() {
      await way?.terminateSession().catch(() => {/* the process has gone, and the session with it */});
      await way?.close();
    },
  };
}

function toRequestId(message: JSONRPCMessage): string | number | undefined {
  return "method" in message && "id" in message ? message.id : undefined;
}

function toResponseId(message: JSONRPCMessage): string | number | undefined {
  return "method" in message || !("id" in message) ? undefined : message.id;
}
