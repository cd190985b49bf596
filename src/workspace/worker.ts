/// <reference lib="deno.worker" />
import { AppError, toErrorRecord } from "../core/error.ts";
import type { Workspace } from "../core/workspace.ts";
import type { WorkspaceReply, WorkspaceRequest } from "./protocol.ts";
import { openStore } from "./store.ts";

serve();

/** Answers questions about workspaces. Git is slow work: it must not stand in the way of turns. */
function serve(): void {
  const stores = new Map<string, Promise<Workspace>>();
  let secrets: readonly string[] = [];
  const post = (reply: WorkspaceReply) => self.postMessage(reply);

  const storeOf = async (folder: string): Promise<Workspace> => {
    let store = stores.get(folder);
    if (store === undefined) {
      store = openStore({ folder, now: Date.now, secrets: () => secrets });
      stores.set(folder, store);
      store.catch(() => stores.delete(folder)); // told to whoever asked; the next one tries again
    }
    return await store;
  };

  self.onmessage = async (event: MessageEvent<WorkspaceRequest>) => {
    const { id, folder, method, args } = event.data;
    secrets = event.data.secrets;
    try {
      const store = await storeOf(folder);
      // The asker's `call` has checked the arguments against the method.
      const run = store[method] as (...given: readonly unknown[]) => Promise<unknown>;
      post({ id, value: await run(...args) });
    } catch (thrown) {
      const error = thrown instanceof AppError ? thrown : toHistoryError(folder, thrown);
      post({ id, error: toErrorRecord(error) });
    }
  };
  post("ready");
}

function toHistoryError(folder: string, thrown: unknown): AppError {
  const { message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new AppError("unavailable", `Cannot use the workspace ${folder}: ${message}. See: git -C ${folder} fsck`, {
    cause: thrown,
    reason: "workspace",
  });
}
