import { AppError, toAppError } from "../core/error.ts";
import { newSecret, type Secret } from "../core/secret.ts";

/** Shortest token that may guard a listener which other machines reach. */
const strongLength = 24;

/**
 * The console's token: `AGENT_ADMIN_TOKEN`, else `data/admin.token`, made at the first start, readable by its owner only.
 *
 * @throws {AppError} `invalid` for a weak token where the console is not on loopback.
 */
export async function openToken(
  { dataDir, env, adminAddress }: {
    readonly dataDir: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly adminAddress: string;
  },
): Promise<Secret> {
  const given = env.AGENT_ADMIN_TOKEN;
  const token = given !== undefined && given !== "" ? given : await readOrMake(`${dataDir}/admin.token`);
  const isLoopback = /^(127\.|localhost:|\[::1\])/.test(adminAddress);
  if (!isLoopback && token.length < strongLength) {
    throw new AppError(
      "invalid",
      `Cannot open the console on ${adminAddress} with a token of ${token.length} characters: others could guess it. ` +
        `Use at least ${strongLength} random characters, or keep http.admin on 127.0.0.1`,
      { reason: "weak_token" },
    );
  }
  return newSecret(token);
}

async function readOrMake(path: string): Promise<string> {
  try {
    const known = (await Deno.readTextFile(path)).trim();
    if (known !== "") return known;
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
  }
  const token = crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
  await Deno.writeTextFile(path, `${token}\n`, { mode: 0o600 });
  return token;
}
