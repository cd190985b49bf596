import { dirname } from "node:path";
import type {
  OAuthClientInformationContext,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import { z } from "zod";
import type { McpHttpConfig } from "../config/mcp.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";

/** The login at one server: what the library asks for, and the page that a person has to open. */
export interface Login {
  readonly provider: OAuthClientProvider;
  /** The page with which a person logs in, while the server waits for that. */
  page(): URL | undefined;
  /** Whether a browser that comes back belongs to the login that was begun last. Asked once: then it is over. */
  takeState(state: string | null): boolean;
}

/** What {@linkcode openLogin} needs. */
export interface LoginDeps {
  readonly name: string;
  readonly config: NonNullable<McpHttpConfig["oauth"]>;
  /** File that keeps tokens and the registration. */
  readonly path: string;
  /** Where the browser comes back to. */
  redirectUrl(): URL;
  readonly log: Log;
}

const fileSchema = z.object({ client: z.unknown().optional(), tokens: z.unknown().optional() });

/** Opens the login of one server with what earlier processes have kept. */
export async function openLogin(deps: LoginDeps): Promise<Login> {
  const { name, config, log } = deps;
  const isMachine = config.grant === "client_credentials";
  const kept = await readKept(deps.path, log);
  let verifier = "";
  let state = "";
  let page: URL | undefined;
  let discovery: OAuthDiscoveryState | undefined;

  const write = async () => {
    await Deno.mkdir(dirname(deps.path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(`${deps.path}.new`, JSON.stringify(kept), { mode: 0o600 });
    await Deno.rename(`${deps.path}.new`, deps.path);
  };

  /** The secret of the config goes to the one authorization server that the config names. */
  const requireIssuer = (context: OAuthClientInformationContext | undefined) => {
    if (config.issuer === undefined || context?.issuer === undefined || context.issuer === config.issuer) return;
    throw new AppError("denied", `The MCP server ${name} names another authorization server than oauth.issuer`, {
      reason: "foreign_issuer",
    });
  };

  const provider: OAuthClientProvider = {
    get redirectUrl() {
      return isMachine ? undefined : deps.redirectUrl();
    },
    ...(config.client_metadata_url === undefined ? {} : { clientMetadataUrl: config.client_metadata_url }),
    get clientMetadata() {
      return {
        client_name: "nexo",
        redirect_uris: isMachine ? [] : [deps.redirectUrl().href],
        grant_types: isMachine ? ["client_credentials"] : ["authorization_code", "refresh_token"],
        response_types: isMachine ? [] : ["code"],
        ...(config.scope === undefined ? {} : { scope: config.scope }),
      };
    },
    state() {
      state = crypto.randomUUID();
      return state;
    },
    clientInformation(context) {
      if (config.client_id === undefined) return kept.client;
      requireIssuer(context);
      return {
        client_id: config.client_id,
        ...(config.client_secret === undefined ? {} : { client_secret: config.client_secret.reveal() }),
      };
    },
    async saveClientInformation(client) {
      kept.client = client;
      await write();
    },
    tokens: () => kept.tokens,
    async saveTokens(tokens) {
      kept.tokens = tokens;
      page = undefined;
      await write();
      log.info("mcp.logged_in", { server: name });
    },
    redirectToAuthorization(url) {
      page = url;
      log.warn("mcp.login_needed", { server: name });
    },
    saveCodeVerifier: (code) => void (verifier = code),
    codeVerifier: () => verifier,
    saveDiscoveryState: (found) => void (discovery = found),
    discoveryState: () => discovery,
    async invalidateCredentials(scope) {
      if (scope === "all" || scope === "client") delete kept.client;
      if (scope === "all" || scope === "tokens") delete kept.tokens;
      if (scope === "all" || scope === "verifier") verifier = "";
      if (scope === "all" || scope === "discovery") discovery = undefined;
      await write();
    },
    ...(isMachine
      ? {
        prepareTokenRequest: (scope?: string) =>
          new URLSearchParams({
            grant_type: "client_credentials",
            ...(scope === undefined ? {} : { scope }),
          }),
      }
      : {}),
  };
  return {
    provider,
    page: () => page,
    takeState(given) {
      const isIt = state !== "" && given === state;
      if (isIt) state = "";
      return isIt;
    },
  };
}

interface Kept {
  client?: StoredOAuthClientInformation;
  tokens?: StoredOAuthTokens;
}

async function readKept(path: string, log: Log): Promise<Kept> {
  try {
    // Written by this file alone; whatever is wrong in it, the authorization server refuses.
    return fileSchema.parse(JSON.parse(await Deno.readTextFile(path))) as Kept;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) {
      log.warn("mcp.login_unreadable", { error: toAppError(thrown).message });
    }
    return {};
  }
}
