import type { Agents } from "../agent/open.ts";
import type { Dreams } from "../core/dream.ts";
import { toAppError } from "../core/error.ts";
import type { Workspaces } from "../core/workspace.ts";
import { type DreamsDeps, openDreams } from "../dreaming/open.ts";
import type { Later } from "./later.ts";

/** Opens dreaming with the agents' own models. */
export function openDreamRoom(
  { agents, ...deps }: Omit<DreamsDeps, "ask"> & { readonly agents: Later<Pick<Agents, "ask">> },
): Dreams & AsyncDisposable {
  return openDreams({ ...deps, ask: async (...question) => await agents.get().ask(...question) });
}

/** Workspaces whose dreams are undone as a whole: with a dream's commit its facts come back, too. */
export function withDreams(workspaces: Workspaces, dreams: Dreams): Workspaces {
  return {
    of(agent) {
      const workspace = workspaces.of(agent);
      return {
        ...workspace,
        async revert(id, author) {
          const { commit } = await workspace.show(id);
          const takeBack = () => dreams.takeBack(agent, commit.id, AbortSignal.timeout(takeBackMs));
          try {
            const undone = await workspace.revert(commit.id, author);
            await takeBack();
            return undone;
          } catch (thrown) {
            // A process that died between the two has undone the files, and not yet the facts.
            const half = toAppError(thrown).reason === "already_undone" && await takeBack();
            if (!half) throw thrown;
            return (await workspace.show(undefined)).commit;
          }
        },
      };
    },
  };
}

const takeBackMs = 30_000;
