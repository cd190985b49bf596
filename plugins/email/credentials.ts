import { z } from "zod";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { PluginHost } from "../../src/core/plugin.ts";
import type { EmailConfig } from "./config.ts";
import { openRefreshToken } from "./refresh_token.ts";

/** What a server is shown besides the user's name. `isNew`: no server has seen the token yet. */
export type Login = { readonly pass: string } | { readonly accessToken: string; readonly isNew: boolean };

/** How the account proves itself. */
export interface Credentials {
  /**
   * Those who ask while a new access token is on its way share it.
   *
   * @throws {AppError} `unavailable` when the provider gives out no access token.
   */
  login(): Promise<Login>;
  /** The server did not take the last login: the next one uses a new access token. */
  refused(): void;
}

/** RFC 6749, section 5.1. */
const tokenSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().default(3_600),
  /** Some providers give a new one each time, and take the one before no more: section 6. */
  refresh_token: z.string().min(1).optional(),
});

const requestMs = 30_000;
/** A token that ends while it is used is of no use. */
const marginMs = 60_000;

/** Makes the {@linkcode Credentials} of an account. */
export async function newCredentials(
  host: Pick<PluginHost<EmailConfig>, "config" | "secret" | "stateDir">,
): Promise<Credentials> {
  const { oauth2 } = host.config;
  if (oauth2 === undefined) {
    const pass = await host.secret("password");
    return { login: () => Promise.resolve({ pass }), refused: () => undefined };
  }
  const refreshToken = await openRefreshToken(
    `${host.stateDir}/refresh_token.json`,
    await host.secret("oauth2.refresh_token"),
  );
  const client = {
    client_id: oauth2.client_id,
    ...(oauth2.client_secret === undefined ? {} : { client_secret: await host.secret("oauth2.client_secret") }),
  };
  const { token_url } = oauth2;
  let current: { readonly accessToken: string; readonly endsAtMs: number } | undefined;
  let asking: Promise<Login> | undefined;

  async function refresh(): Promise<Login> {
    const askedAtMs = Date.now();
    const form = { grant_type: "refresh_token", ...client, refresh_token: refreshToken.current };
    const token = await askForToken(token_url, new URLSearchParams(form));
    // Before it is used: after a crash the one before would be of no use.
    if (token.refresh_token !== undefined) await refreshToken.replace(token.refresh_token);
    current = { accessToken: token.access_token, endsAtMs: askedAtMs + token.expires_in * 1_000 - marginMs };
    return { accessToken: token.access_token, isNew: true };
  }

  return {
    login() {
      if (current !== undefined && Date.now() < current.endsAtMs) {
        return Promise.resolve({ accessToken: current.accessToken, isNew: false });
      }
      asking ??= refresh().finally(() => asking = undefined);
      return asking;
    },
    refused() {
      current = undefined;
    },
  };
}

/**
 * Logs in by `work`; with a new access token once more where a server does not take one that it took before.
 *
 * @throws what `work` throws.
 */
export async function withFreshLogin<T>(credentials: Credentials, work: (login: Login) => Promise<T>): Promise<T> {
  const login = await credentials.login();
  try {
    return await work(login);
  } catch (thrown) {
    if (toAppError(thrown).reason !== "login_refused") throw thrown;
    credentials.refused();
    if ("pass" in login || login.isNew) throw thrown;
  }
  return await work(await credentials.login());
}

/** A login as the libraries take it. */
export function toProof(login: Login): { readonly pass: string } | { readonly accessToken: string } {
  return "pass" in login ? login : { accessToken: login.accessToken };
}

async function askForToken(url: string, form: URLSearchParams): Promise<z.output<typeof tokenSchema>> {
  const host = new URL(url).host;
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { method: "POST", body: form, signal: AbortSignal.timeout(requestMs) });
    body = await response.json();
  } catch (thrown) {
    throw new AppError("unavailable", `${host} gives no access token: ${toAppError(thrown).message}`);
  }
  const token = tokenSchema.safeParse(body);
  if (response.ok && token.success) return token.data;
  const { error } = z.object({ error: z.string().max(100) }).catch({ error: "no reason given" }).parse(body);
  throw new AppError(
    "unavailable",
    `${host} gives no access token: ${response.status} ${error}. Give the account a new refresh_token`,
    { reason: "login_refused", retryAfterMs: 60_000 },
  );
}
