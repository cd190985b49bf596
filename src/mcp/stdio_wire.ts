import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import type { Child, Children } from "../child/open.ts";
import { type ChildSpec, defaultChildLimits } from "../child/spec.ts";
import type { McpStdioConfig } from "../config/mcp.ts";
import { AppError } from "../core/error.ts";
import type { Metrics } from "../core/metrics.ts";
import { newGoneError } from "./errors.ts";
import type { Sdk } from "./sdk.ts";
import type { Wire } from "./wire.ts";

/** What a connection to a program needs. */
export interface StdioWireDeps {
  readonly name: string;
  readonly config: McpStdioConfig;
  readonly sdk: Sdk;
  readonly children: Pick<Children, "start">;
  /** Where the program may write. */
  readonly stateDir: string;
  readonly metrics: Metrics;
}

/** Lines that are no messages, one after the other, after which a program is no MCP server. */
const junkBound = 1_000;

/** Makes a {@linkcode Wire} to a program that speaks MCP on its standard input and output, a message a line. */
export function newStdioWire(deps: StdioWireDeps): Wire {
  const { config, sdk } = deps;
  const gone = new AbortController();
  let child: Child | undefined;
  let lastWords: string | undefined;

  const transport: Transport = {
    async start() {
      child = await deps.children.start(await toSpec(deps), gone.signal);
      child.ended.then(({ message }) => lastWords ??= message);
      read(child);
    },
    async send(message) {
      if (child === undefined) throw new AppError("bug", `The MCP server ${deps.name} is not started`);
      try {
        await child.write(JSON.stringify(message));
      } catch (thrown) {
        throw newGoneError(deps.name, thrown);
      }
    },
    async close() {
      gone.abort();
      await child?.[Symbol.asyncDispose]();
      transport.onclose?.();
    },
  };

  async function read(from: Child): Promise<void> {
    let junk = 0;
    for await (const line of from.lines) {
      const message = toMessage(line);
      if (message !== undefined) {
        junk = 0;
        transport.onmessage?.(message);
        continue;
      }
      deps.metrics.count("nexo_refusals_total", { part: "mcp", reason: "no_message" });
      if (++junk < junkBound) continue;
      lastWords = `It wrote ${junkBound} lines that are no messages of MCP`;
      break;
    }
    gone.abort();
    await from.ended;
    transport.onclose?.();
  }

  /** Programs that say something else on standard output are forgiven a while: many do at their start. */
  function toMessage(line: string): JSONRPCMessage | undefined {
    try {
      return sdk.deserializeMessage(line);
    } catch {
      return undefined; // no JSON, or no message: it is counted where it is read
    }
  }

  return {
    connect: (client, signal) => client.connect(transport, { signal, timeout: config.connect_timeout }),
    leave: () => Promise.resolve(),
    finishLogin: () => Promise.reject(new AppError("invalid", `${deps.name} is a program and needs no login`)),
    lastWords: () => lastWords,
    confinement: () => child?.confinement,
  };
}

async function toSpec({ name, config, stateDir }: StdioWireDeps): Promise<ChildSpec> {
  // Readable by all, inside the data folder that nobody else may enter: bubblewrap looks into it as another user.
  await Deno.mkdir(stateDir, { recursive: true, mode: 0o755 });
  const { command, args, env, read, write, network, max_memory_bytes } = config;
  return {
    name: `mcp.${name}`,
    program: { kind: "program", command, args },
    env: Object.fromEntries(Object.entries(env).map(([key, secret]) => [key, secret.reveal()])),
    stateDir: await Deno.realPath(stateDir),
    readable: [],
    permissions: {
      net: network ? ["*"] : [],
      read: await Promise.all(read.map((path) => Deno.realPath(path))),
      write: await Promise.all(write.map((path) => Deno.realPath(path))),
      env: [],
      run: [],
    },
    limits: { ...defaultChildLimits, memoryBytes: max_memory_bytes },
  };
}
