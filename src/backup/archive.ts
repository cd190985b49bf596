import { createTarDecoder, createTarPacker } from "modern-tar";
import { createHash } from "node:crypto";
import { z } from "zod";
import { AppError, toAppError } from "../core/error.ts";

/** One file on its way into an archive. */
export interface ArchiveFile {
  /** Path in the archive: parts joined by `/`, without `..`. */
  readonly path: string;
  /** Unix permissions. */
  readonly mode: number;
  /** Bytes that `open` gives, exactly. */
  readonly size: number;
  open(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** What an archive says of itself, in its last entry: an archive that was cut off has none. */
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  /** Version of the program that made it. */
  version: z.string(),
  /** ISO 8601 UTC. */
  createdAt: z.string(),
  files: z.array(z.strictObject({
    path: z.string(),
    size: z.number().int().nonnegative(),
    /** Hex. */
    sha256: z.string().length(64),
    mode: z.number().int().min(0).max(0o777),
  })),
  /** What was left out, in words. */
  leftOut: z.array(z.string()),
});
/** What an archive says of itself. */
export type Manifest = z.output<typeof manifestSchema>;

const manifestName = "manifest.json";
const maxManifestBytes = 256_000_000;

/** Writes a compressed archive of `files` into `sink`, and closes it. */
export async function writeArchive(
  files: AsyncIterable<ArchiveFile>,
  about: { readonly version: string; readonly createdAt: string; leftOut(): readonly string[] },
  sink: WritableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): Promise<Manifest> {
  const { readable, controller } = createTarPacker();
  const writing = readable.pipeThrough(new CompressionStream("gzip")).pipeTo(sink, { signal });
  writing.catch(() => {}); // awaited below, after what may throw first
  try {
    const listed: Manifest["files"] = [];
    for await (const { path, mode, size, open } of files) {
      const hash = createHash("sha256");
      const hashing = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, out) {
          hash.update(chunk);
          out.enqueue(chunk);
        },
      });
      const entry = controller.add({ name: path, size, mode, type: "file", mtime: new Date(about.createdAt) });
      await (await open()).pipeThrough(hashing).pipeTo(entry, { signal });
      listed.push({ path, size, sha256: hash.digest("hex"), mode });
    }
    const { version, createdAt } = about;
    const manifest: Manifest = { format: 1, version, createdAt, files: listed, leftOut: [...about.leftOut()] };
    const text = new TextEncoder().encode(JSON.stringify(manifest));
    await new Blob([text]).stream().pipeTo(
      controller.add({ name: manifestName, size: text.length, mode: 0o600, type: "file" }),
    );
    controller.finalize();
    await writing;
    return manifest;
  } catch (thrown) {
    controller.error(thrown);
    await writing.catch(() => {}); // ended by what is thrown here
    throw thrown;
  }
}

/**
 * Reads an archive, giving each file to `take`, and holds everything against its manifest.
 *
 * @throws {AppError} `invalid` for an archive that is damaged, cut off, or holds what is no plain file below itself.
 */
export async function readArchive(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (path: string, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Manifest> {
  const seen = new Map<string, { readonly size: number; readonly sha256: string }>();
  let manifest: Manifest | undefined;
  try {
    const entries = source.pipeThrough(new DecompressionStream("gzip")).pipeThrough(createTarDecoder({ strict: true }));
    for await (const { header, body } of entries) {
      if (manifest !== undefined) throw newDamage("something follows its manifest");
      if (header.type !== undefined && header.type !== "file") throw newDamage(`${header.name} is a ${header.type}`);
      if (header.name === manifestName) {
        if (header.size > maxManifestBytes) throw newDamage("its manifest is too large");
        manifest = manifestSchema.parse(await new Response(body).json());
        continue;
      }
      const path = requirePlainPath(header.name);
      if (seen.has(path)) throw newDamage(`${path} is there twice`);
      const hash = createHash("sha256");
      let size = 0;
      const measured = async function* () {
        for await (const chunk of body) {
          hash.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      };
      await take(path, measured());
      seen.set(path, { size, sha256: hash.digest("hex") });
    }
  } catch (thrown) {
    throw toDamage(thrown);
  }
  if (manifest === undefined) throw newDamage("it was cut off");
  if (manifest.files.length !== seen.size) throw newDamage("it does not hold what its manifest lists");
  for (const { path, size, sha256 } of manifest.files) {
    const file = seen.get(path);
    if (file?.size !== size || file.sha256 !== sha256) throw newDamage(`${path} is not what it was`);
  }
  return manifest;
}

/** A name in an archive is text of others: it may only lead below the folder that it is unpacked into. */
function requirePlainPath(name: string): string {
  const parts = name.split("/");
  const isPlain = parts.every((part) => part !== "" && part !== "." && part !== "..") && !name.includes("\\") &&
    !name.includes("\0");
  const isKnown = parts.length > 1 && (parts[0] === "data" || parts[0] === "config");
  if (!isPlain || !isKnown) throw newDamage(`it holds the path ${JSON.stringify(name.slice(0, 200))}`);
  return name;
}

function toDamage(thrown: unknown): AppError {
  const error = toAppError(thrown);
  // What the disk or the taker says is not the archive's fault; broken streams and texts are no errors of ours.
  return thrown instanceof AppError || error.kind !== "bug" ? error : newDamage(error.message);
}

function newDamage(what: string): AppError {
  return new AppError("invalid", `The archive cannot be used: ${what}. Nothing was restored; use another backup`, {
    reason: "archive_damaged",
  });
}
