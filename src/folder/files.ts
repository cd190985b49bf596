import { toAppError } from "../core/error.ts";

/** Whether something lies at a path: a file, a folder, a link wherever it leads. */
export async function isThere(path: string): Promise<boolean> {
  return await whereThere(() => Deno.lstat(path)) !== undefined;
}

/** Text of a file; `undefined` where there is none. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  return await whereThere(() => Deno.readTextFile(path));
}

/** Names in a folder, in order; none where there is no folder. */
export async function listNames(folder: string): Promise<readonly string[]> {
  const entries = await whereThere(() => Array.fromAsync(Deno.readDir(folder)));
  return (entries ?? []).map(({ name }) => name).sort();
}

/** Removes a file; what is not there needs no removing. `recursive`: a folder with all that it holds, too. */
export async function removeIfThere(path: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
  await whereThere(() => Deno.remove(path, options));
}

/** What `look` finds; `undefined` where there is nothing. */
async function whereThere<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return undefined;
    throw thrown;
  }
}
