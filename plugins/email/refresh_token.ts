import { z } from "zod";
import { toDigest } from "./message_id.ts";

/** The refresh token of an account: the one that the operator gave, until the provider has given another one. */
export interface RefreshToken {
  readonly current: string;
  /** On disk when it resolves. */
  replace(token: string): Promise<void>;
}

const keptSchema = z.object({
  token: z.string().min(1),
  /** Digest of the operator's token that it came from: a new one of theirs takes its place. */
  from: z.string(),
});

/** Opens the token that is kept in the file `path`, which only its owner may read. */
export async function openRefreshToken(path: string, given: string): Promise<RefreshToken> {
  const from = toDigest(32, given);
  const kept = await read(path);
  let current = kept?.from === from ? kept.token : given;
  return {
    get current() {
      return current;
    },
    async replace(token) {
      if (token === current) return;
      // Never half a token: the file is whole before it takes the place of the one before.
      using file = await Deno.open(`${path}.new`, { create: true, write: true, truncate: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(JSON.stringify({ token, from }));
      for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      await file.sync();
      await Deno.rename(`${path}.new`, path);
      current = token;
    },
  };
}

async function read(path: string): Promise<z.output<typeof keptSchema> | undefined> {
  try {
    return keptSchema.parse(JSON.parse(await Deno.readTextFile(path)));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
