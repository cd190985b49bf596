import { AppError } from "../core/error.ts";
import type { Workspace } from "../core/workspace.ts";
import {
  type WorkspaceDiffRequest,
  workspaceDiffSchema,
  type WorkspaceHistoryRequest,
  workspaceHistorySchema,
  type WorkspaceHistoryView,
  type WorkspacePatchView,
  workspaceRevertedSchema,
  type WorkspaceShown,
  workspaceShownSchema,
} from "../http/workspace_api.ts";
import { type AdminClient, findRunning } from "./admin_client.ts";
import { newInk } from "./ink.ts";
import { type ConfigDirFlag, type DataDirFlag, toConfigDir, toDataDir } from "./place.ts";
import { toPlainLine } from "./plain.ts";
import { toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";
import { formatHistory, formatPatches, formatShown } from "./workspace_page.ts";

/** Flags of every `agent workspace` command. */
export interface WorkspaceFlags extends DataDirFlag, ConfigDirFlag {
  readonly json: boolean;
}

/** `agent workspace log AGENT`: what was changed, newest first. */
export async function showHistory(
  terminal: Terminal,
  flags: WorkspaceFlags & { readonly limit: number; readonly before?: string; readonly path?: string },
  agent: string,
): Promise<number> {
  const { limit, before, path } = flags;
  const page = await withDesk(terminal, flags, agent, (desk) => desk.history({ limit, before, path }));
  terminal.print(flags.json ? toJsonText(page) : formatHistory(page, newInk(terminal.color)));
  return 0;
}

/** `agent workspace show AGENT [COMMIT]`: one change, by default the newest. */
export async function showCommit(
  terminal: Terminal,
  flags: WorkspaceFlags,
  agent: string,
  commit?: string,
): Promise<number> {
  const shown = await withDesk(terminal, flags, agent, (desk) => desk.show(commit));
  terminal.print(flags.json ? toJsonText(shown) : formatShown(shown, newInk(terminal.color)));
  return 0;
}

/** `agent workspace diff AGENT FROM [TO]`: all that lies between two changes. */
export async function showDiff(
  terminal: Terminal,
  flags: WorkspaceFlags & { readonly path?: string },
  agent: string,
  from: string,
  to?: string,
): Promise<number> {
  const patches = await withDesk(terminal, flags, agent, (desk) => desk.diff({ from, to, path: flags.path }));
  terminal.print(flags.json ? toJsonText({ patches }) : formatPatches(patches, newInk(terminal.color)));
  return 0;
}

/** `agent workspace revert AGENT COMMIT`: undoes one change by a new one. */
export async function revertCommit(
  terminal: Terminal,
  flags: WorkspaceFlags,
  agent: string,
  commit: string,
): Promise<number> {
  const undone = await withDesk(terminal, flags, agent, (desk) => desk.revert(commit));
  if (flags.json) terminal.print(toJsonText({ commit: undone }));
  else terminal.print(`${undone.id.slice(0, 10)} ${toPlainLine(undone.why, 200)}\n`);
  return 0;
}

/** What is not in the histories of agents, and why. */
export async function readTroubles(
  terminal: Terminal,
  flags: DataDirFlag & ConfigDirFlag,
  agents: readonly string[],
): Promise<readonly { readonly agent: string; readonly reason: string }[]> {
  return await withDesks(terminal, flags, async (deskOf) => {
    const all: { agent: string; reason: string }[] = [];
    for (const agent of agents) {
      const { troubles } = await deskOf(agent).history({ limit: 1 });
      all.push(...troubles.map(({ reason }) => ({ agent, reason })));
    }
    return all;
  });
}

/** What can be seen and done about an agent's workspace: by asking the running process, or in its folder. */
interface WorkspaceDesk {
  history(page: WorkspaceHistoryRequest): Promise<WorkspaceHistoryView>;
  show(commit: string | undefined): Promise<WorkspaceShown>;
  diff(range: WorkspaceDiffRequest): Promise<readonly WorkspacePatchView[]>;
  revert(commit: string): Promise<WorkspaceShown["commit"]>;
}

async function withDesk<T>(
  terminal: Terminal,
  flags: WorkspaceFlags,
  agent: string,
  work: (desk: WorkspaceDesk) => Promise<T>,
): Promise<T> {
  return await withDesks(terminal, flags, (deskOf) => work(deskOf(agent)));
}

async function withDesks<T>(
  terminal: Terminal,
  flags: DataDirFlag & ConfigDirFlag,
  work: (deskOf: (agent: string) => WorkspaceDesk) => Promise<T>,
): Promise<T> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  if (running !== undefined) return await work((agent) => newRemoteDesk(running.admin, agent));
  // Loaded where nothing runs: it brings the config and the history's own program.
  const { openStoppedApp } = await import("./stopped_app.ts");
  await using app = await openStoppedApp({ configDir: toConfigDir(flags, terminal.env), dataDir, env: terminal.env });
  return await work((agent) => newLocalDesk(app.workspaces.of(agent)));
}

function newRemoteDesk(admin: AdminClient, agent: string): WorkspaceDesk {
  const base = `/api/agents/${encodeURIComponent(agent)}/workspace`;
  return {
    history: (page) => admin.get(`${base}/history`, { ...page }, workspaceHistorySchema),
    show: (commit = "newest") => admin.get(`${base}/commits/${encodeURIComponent(commit)}`, {}, workspaceShownSchema),
    diff: async (range) => (await admin.get(`${base}/diff`, { ...range }, workspaceDiffSchema)).patches,
    revert: async (commit) => (await admin.post(`${base}/revert`, { commit }, workspaceRevertedSchema)).commit,
  };
}

function newLocalDesk(workspace: Workspace): WorkspaceDesk {
  return {
    history: async (page) =>
      workspaceHistorySchema.parse({
        commits: await workspace.history(page, "operator"),
        troubles: await workspace.troubles(),
      }),
    show: async (commit) => workspaceShownSchema.parse(await workspace.show(commit)),
    diff: (range) => workspace.diff(range, "operator"),
    async revert(id) {
      const { commit } = await workspace.show(id);
      if (commit.key?.startsWith("dream:")) {
        throw new AppError(
          "unavailable",
          `${id} is a dream: what it did to the memory is undone with it, by the running process. Start it: agent run`,
        );
      }
      return workspaceRevertedSchema.shape.commit.parse(await workspace.revert(commit.id, "operator"));
    },
  };
}
