import { newWorkspaceTools } from "../../src/workspace/tools.ts";
import { openWorkspaces } from "../../src/workspace/open.ts";
import type { ToolContext, ToolResult } from "../../src/core/tool.ts";
import type { Workspaces } from "../../src/core/workspace.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** The workspaces of two agents, `ana` and `bob`. */
export interface World extends AsyncDisposable {
  readonly workspaces: Workspaces;
  readonly dir: string;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly folders: Map<string, string>;
  readonly secrets: string[];
  /** Calls a tool as an agent does. */
  call(tool: string, input?: unknown, context?: Partial<ToolContext>): Promise<string>;
  /** Runs the git program in an agent's folder. */
  git(agent: string, ...args: readonly string[]): Promise<string>;
  /** Ends the room and opens it anew on the same files. */
  reopen(): Promise<void>;
}

/** Opens a {@linkcode World}. */
export async function openWorld(): Promise<World> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "workspace-test-" }));
  const folders = new Map([["ana", `${dir}/ana/workspace`], ["bob", `${dir}/bob/workspace`]]);
  const secrets: string[] = [];
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const clock = newFakeClock();
  const apart = [`${dir}/data`];
  const open = () => openWorkspaces({ folders: () => folders, secrets: () => secrets, apart, log, metrics, clock });
  let room = open();
  let calls = 0;
  return {
    dir,
    folders,
    secrets,
    log,
    metrics,
    workspaces: { of: (agent) => room.of(agent) },
    async call(name, input = {}, change = {}) {
      const tool = newWorkspaceTools(room).find((one) => one.name === name);
      if (tool === undefined) throw new Error(`There is no tool ${name}`);
      const context: ToolContext = {
        agent: "ana",
        session: { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" },
        sessionId: "ana/telegram/sales/7",
        turnId: "turn-1",
        isGroup: false,
        idempotencyKey: `key-${++calls}`,
        chain: [],
        deadlineAt: Infinity,
        signal: new AbortController().signal,
        log,
        ...change,
      };
      return toText(await tool.run(input, context));
    },
    async git(agent, ...args) {
      const { stdout, stderr, success } = await new Deno.Command("git", {
        args: ["-C", folders.get(agent) ?? "", ...args],
        env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
      }).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    },
    async reopen() {
      await room[Symbol.asyncDispose]();
      room = open();
    },
    async [Symbol.asyncDispose]() {
      await room[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

function toText({ content }: ToolResult): string {
  return content.map((part) => part.type === "text" ? part.text : "").join("\n");
}
