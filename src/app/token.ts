import { AppError, toAppError } from "../core/error.ts";
import { newSecret } from "../core/secret.ts";
import type { RootToken } from "../http/tokens.ts";

/** Shortest token that may guard a listener which other machines reach. */
const strongLength = 24;

/**
 * The root token: `AGENT_ADMIN_TOKEN`, else `data/admin.token`, made at the first start, readable by its owner only.
 *
 * @throws {AppError} `invalid` for a weak token where the console is not on loopback.
 */
export async function openToken(
  { dataDir, env, adminAddress }: {
    readonly dataDir: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly adminAddress: string;
  },
): Promise<RootToken> {
  const given = env.AGENT_ADMIN_TOKEN || undefined;
  const text = given ?? await readOrMake(dataDir);
  const isLoopback = /^(127\.|localhost:|\[::1\])/.test(adminAddress);
  if (!isLoopback && text.length < strongLength) {
    throw new AppError(
      "invalid",
      `Cannot open the console on ${adminAddress} with a token of ${text.length} characters: others could guess it. ` +
        `Use at least ${strongLength} random characters, or keep http.admin on 127.0.0.1`,
      { reason: "weak_token" },
    );
  }
  let current = newSecret(text);
  return {
    get current() {
      return current;
    },
    async rotate() {
      if (given !== undefined) throw newGivenByEnvError();
      return current = newSecret(await writeRootToken(dataDir));
    },
  };
}

/** Puts a new root token into the place of the one in the data folder; gives its text. */
export async function writeRootToken(dataDir: string): Promise<string> {
  const text = crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
  const path = toPath(dataDir);
  const unfinished = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(unfinished, `${text}\n`, { mode: 0o600, createNew: true });
  await Deno.rename(unfinished, path);
  return text;
}

/** The environment names the root token, so that a new one in the data folder would change nothing. */
export function newGivenByEnvError(): AppError {
  return new AppError(
    "conflict",
    "The root token comes from AGENT_ADMIN_TOKEN. Change it there, and start the process again",
    { reason: "token_from_env" },
  );
}

async function readOrMake(dataDir: string): Promise<string> {
  try {
    const known = (await Deno.readTextFile(toPath(dataDir))).trim();
    if (known !== "") return known;
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
  }
  return await writeRootToken(dataDir);
}

function toPath(dataDir: string): string {
  return `${dataDir}/admin.token`;
}
