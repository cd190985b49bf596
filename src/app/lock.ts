import { z } from "zod";
import { AppError } from "../core/error.ts";
import { removeIfThere } from "../folder/files.ts";

/** Who holds a data folder. */
export const holderSchema = z.object({ pid: z.number(), bootId: z.string(), startedAt: z.string() });
/** Who holds a data folder. */
export type Holder = z.output<typeof holderSchema>;

/** A held data folder. Disposing lets it go; the death of the process does so too. */
export interface FolderLock extends AsyncDisposable {
  /** Fires when another process asks for the folder with `--takeover`. */
  readonly wanted: AbortSignal;
}

/** How long a process that was asked to go may take, milliseconds. */
const takeoverMs = 45_000;
const retryMs = 100;

/**
 * Takes the data folder for this process alone, with a lock of the operating system: it cannot outlive its holder.
 *
 * @param takeover Ask a holder to stop, and wait until it has.
 * @throws {AppError} `conflict` naming the holder; `timeout` where it does not go.
 */
export async function lockDataFolder(
  dataDir: string,
  { holder, takeover = false }: { readonly holder: Holder; readonly takeover?: boolean },
): Promise<FolderLock> {
  const folder = `${dataDir}/lock`;
  const wish = `${folder}/takeover`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await Deno.open(`${folder}/holder.json`, { read: true, write: true, create: true, mode: 0o600 });
  try {
    if (!await file.tryLock(true)) {
      if (!takeover) throw await newHeldError(dataDir);
      await Deno.writeTextFile(wish, holder.bootId);
      await waitForLock(file, dataDir);
    }
    await file.truncate(0);
    await file.write(new TextEncoder().encode(JSON.stringify(holder)));
    await removeIfThere(wish);
  } catch (thrown) {
    file.close();
    throw thrown;
  }
  const wanted = new AbortController();
  const watcher = Deno.watchFs(folder, { recursive: false });
  const watching = (async () => {
    for await (const event of watcher) {
      const isWish = event.paths.some((path) => path.endsWith("/takeover")) && event.kind !== "remove";
      if (isWish) wanted.abort(new AppError("cancelled", "Another process takes over the data folder"));
    }
  })();
  let held = true;
  return {
    wanted: wanted.signal,
    async [Symbol.asyncDispose]() {
      if (!held) return;
      held = false;
      watcher.close();
      await watching;
      await file.truncate(0);
      file.close();
    },
  };
}

async function waitForLock(file: Deno.FsFile, dataDir: string): Promise<void> {
  const until = performance.now() + takeoverMs;
  // A blocking lock() could not be given up: the holder may hang.
  while (!await file.tryLock(true)) {
    if (performance.now() > until) {
      const { message } = await newHeldError(dataDir);
      throw new AppError("timeout", `${message}. It was asked to stop and did not: kill it, then start again`);
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function newHeldError(dataDir: string): Promise<AppError> {
  const holder = holderSchema.safeParse(JSON.parse(await Deno.readTextFile(`${dataDir}/lock/holder.json`) || "null"));
  const who = holder.success ? `process ${holder.data.pid}, running since ${holder.data.startedAt}` : "another process";
  return new AppError(
    "conflict",
    `Cannot use the data folder ${dataDir}: ${who}, holds it. Stop it, use another --data, or start with --takeover`,
    { reason: "data_folder_held" },
  );
}
