import { newChildren } from "../../src/child/open.ts";
import { mcpFileSchema } from "../../src/config/mcp.ts";
import type { McpConfig } from "../../src/config/mcp.ts";
import type { Tool, ToolContext, ToolProgress, ToolResult } from "../../src/core/tool.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { type LiveSource, newLive } from "../../src/lib/live.ts";
import { type McpDeps, type McpRoom, openMcp } from "../../src/mcp/open.ts";
import type { PeerView } from "../../src/mcp/peer.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** The MCP room over real servers. */
export interface McpFixture extends AsyncDisposable {
  readonly room: McpRoom;
  readonly config: LiveSource<McpConfig>;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly dir: string;
  /** Resolves when `find` gives something, looked at every few milliseconds. */
  until<T>(find: () => T | undefined): Promise<T>;
  /** Resolves when the server is connected. */
  untilUp(server: string): Promise<PeerView>;
  tool(name: string): Tool;
  call(name: string, input?: unknown, change?: Partial<ToolContext>): Promise<ToolResult>;
  /** What calls reported of themselves. */
  readonly progress: readonly ToolProgress[];
  configure(servers: Readonly<Record<string, unknown>>): void;
}

/** Opens an {@linkcode McpFixture} with these servers, as mcp.yaml has them. */
export async function openMcpFixture(
  servers: Readonly<Record<string, unknown>>,
  { dir, ...changes }: Partial<McpDeps> & { readonly dir?: string } = {},
): Promise<McpFixture> {
  const folder = dir ?? await Deno.makeTempDir({ prefix: "mcp-test-" });
  const config = newLive(mcpFileSchema.parse({ servers }));
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const clock = systemClock;
  const children = newChildren({ clock, redact: (text) => text });
  const room = await openMcp({
    config,
    children,
    log,
    metrics,
    clock,
    dataDir: folder,
    sample: () => Promise.reject(new Error("no model")),
    redirectUrl: (server) => new URL(`http://127.0.0.1/mcp/login/${server}`),
    ...changes,
  });
  const progress: ToolProgress[] = [];
  const until = async <T>(find: () => T | undefined): Promise<T> => {
    const deadline = performance.now() + 30_000;
    while (true) {
      const found = find();
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`It did not come: ${JSON.stringify(room.view())}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const tool = (name: string) => {
    const found = room.tools.current.find((one) => one.name === name);
    if (found === undefined) throw new Error(`No ${name} in ${room.tools.current.map((one) => one.name).join(", ")}`);
    return found;
  };
  return {
    room,
    config,
    log,
    metrics,
    dir: folder,
    progress,
    until,
    untilUp: (server) => until(() => room.view().find((one) => one.server === server && one.state === "up")),
    tool,
    call: (name, input = {}, change = {}) =>
      tool(name).run(input, { ...newContext(log), ...recordProgress(), ...change }),
    configure: (changed) => config.set(mcpFileSchema.parse({ servers: changed })),
    async [Symbol.asyncDispose]() {
      await room[Symbol.asyncDispose]();
      if (dir === undefined) await Deno.remove(folder, { recursive: true });
    },
  };

  function recordProgress() {
    return { progress: (report: ToolProgress) => void progress.push(report) };
  }
}

function newContext(log: RecordedLog): ToolContext {
  return {
    agent: "ana",
    session: { agent: "ana", plugin: "console", instance: "ana", conversation: "1" },
    sessionId: "ana/console/ana/1",
    turnId: "turn-1",
    isGroup: false,
    idempotencyKey: "turn-1:1",
    chain: [],
    deadlineAt: Date.now() + 60_000,
    signal: new AbortController().signal,
    log,
  };
}
