import { AppError, toAppError } from "../core/error.ts";

/** Counts what happens in some folders. */
export interface FolderWatch extends AsyncDisposable {
  /** Changes seen so far; reading a file is none. */
  readonly count: number;
  /** Resolves as soon as `count` is above `seen`. @throws {AppError} `cancelled` when the watch ends first. */
  changed(seen: number): Promise<void>;
  /** Why nothing can be seen (any more), in a few words. */
  readonly failure: string | undefined;
}

/** Watches `folders` and everything in them, also what comes later, until disposed. */
export function openWatch(folders: readonly string[]): FolderWatch {
  const waiting = new Set<PromiseWithResolvers<void>>();
  let count = 0;
  let ended = false;
  let failure: string | undefined;
  let watcher: Deno.FsWatcher | undefined;
  try {
    watcher = Deno.watchFs([...folders], { recursive: true });
  } catch (error) {
    failure = toAppError(error).message;
  }

  function settle(finish: (one: PromiseWithResolvers<void>) => void): void {
    const all = [...waiting];
    waiting.clear();
    all.forEach(finish);
  }

  async function follow(events: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of events) {
        // Our own reading arrives as `access`; counting it would never end.
        if (event.kind === "access") continue;
        // The system watches the folder itself, not its name: one that takes its place is not seen.
        if (event.kind === "remove" && event.paths.some((path) => folders.includes(path))) {
          failure = "it was moved or removed";
        }
        count++;
        settle((one) => one.resolve());
      }
    } catch (error) {
      failure = toAppError(error).message;
    }
  }

  const following = watcher === undefined ? Promise.resolve() : follow(watcher);
  return {
    get count() {
      return count;
    },
    get failure() {
      return failure;
    },
    changed(seen) {
      if (count > seen) return Promise.resolve();
      if (ended) return Promise.reject(newEnd());
      const one = Promise.withResolvers<void>();
      waiting.add(one);
      return one.promise;
    },
    async [Symbol.asyncDispose]() {
      if (!ended) watcher?.close();
      ended = true;
      settle((one) => one.reject(newEnd()));
      await following;
    },
  };
}

function newEnd(): AppError {
  return new AppError("cancelled", "The config folder is no longer watched");
}
