import { AppError, toAppError } from "../core/error.ts";

/**
 * Finds a file that a worker names, in the instance's folder `stateDir` and nowhere else: links are followed, so that a
 * worker cannot hand out a file which is not its own.
 *
 * @throws {AppError} `missing`; `denied` for what is not its own or larger than `maxBytes`.
 */
export async function findMediaFile(
  named: string,
  stateDir: string,
  maxBytes: number,
): Promise<{ readonly path: string; readonly sizeBytes: number }> {
  try {
    const [path, folder] = await Promise.all([Deno.realPath(named), Deno.realPath(stateDir)]);
    const { isFile, size } = await Deno.stat(path);
    if (isFile && size <= maxBytes && path.startsWith(`${folder}/`)) return { path, sizeBytes: size };
  } catch (thrown) {
    throw toAppError(thrown);
  }
  throw new AppError("denied", `The plugin handed out a file that is not its own or larger than ${maxBytes} bytes`);
}

/**
 * Reads a piece of such a file; behind its end an empty one.
 *
 * @throws {AppError} as {@linkcode findMediaFile} does.
 */
export async function readMediaPiece(
  { path: named, offset, maxBytes }: { readonly path: string; readonly offset: number; readonly maxBytes: number },
  stateDir: string,
): Promise<{ readonly base64: string }> {
  const { path, sizeBytes } = await findMediaFile(named, stateDir, Infinity);
  const piece = new Uint8Array(Math.max(0, Math.min(maxBytes, sizeBytes - offset)));
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  let read = 0;
  while (read < piece.length) {
    const count = await file.read(piece.subarray(read));
    if (count === null) break;
    read += count;
  }
  return { base64: piece.subarray(0, read).toBase64() };
}
