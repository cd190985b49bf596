import type { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { McpHttpConfig } from "../config/mcp.ts";
import { AppError } from "../core/error.ts";
import type { Metrics } from "../core/metrics.ts";
import { toMcpError } from "./errors.ts";
import type { Login } from "./oauth.ts";
import type { Sdk } from "./sdk.ts";
import { newServerFetch } from "./server_fetch.ts";
import type { Wire } from "./wire.ts";

/** What a connection over HTTP needs. */
export interface HttpWireDeps {
  readonly name: string;
  readonly config: McpHttpConfig;
  readonly sdk: Sdk;
  readonly metrics: Metrics;
  /** Where the config asks for OAuth. */
  readonly login: Login | undefined;
}

/** Statuses with which servers of 2024 answer a request of Streamable HTTP. */
const olderStatuses: readonly number[] = [400, 404, 405];

/**
 * How a stream of messages that broke is opened again. It is tried for ever, since our own watch asks the server whether
 * it is there, and ends the connection where it is not.
 */
const reconnectionOptions = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: Number.MAX_SAFE_INTEGER,
};

/** Makes a {@linkcode Wire} over HTTP. The older SSE is tried where the server does not know the newer way. */
export function newHttpWire(deps: HttpWireDeps): Wire {
  const { config, sdk, login } = deps;
  const url = new URL(config.url);
  const options = {
    fetch: newServerFetch({
      ...deps,
      onTooLong(error) {
        lastWords = error.message;
        void connected?.close();
      },
    }),
    ...(login === undefined ? {} : { authProvider: login.provider }),
  };
  let connected: Client | undefined;
  let lastWords: string | undefined;
  let session: StreamableHTTPClientTransport | undefined;
  let tried: StreamableHTTPClientTransport | SSEClientTransport | undefined;

  return {
    async connect(client, signal) {
      connected = client;
      const request = { signal, timeout: config.connect_timeout };
      const connectOlder = async () => {
        const transport = new sdk.SSEClientTransport(url, options);
        tried = transport;
        await client.connect(transport, request);
      };
      if (config.transport === "sse") return await connectOlder();
      try {
        const transport = new sdk.StreamableHTTPClientTransport(url, { ...options, reconnectionOptions });
        tried = transport;
        await client.connect(transport, request);
        session = transport;
      } catch (thrown) {
        const isOlder = thrown instanceof sdk.SdkHttpError && olderStatuses.includes(thrown.status);
        if (config.transport === "http" || !isOlder) throw thrown;
        await client.close();
        await connectOlder();
      }
    },
    leave: async () => await session?.terminateSession(),
    async finishLogin(params) {
      if (tried === undefined || login?.takeState(params.get("state")) !== true) {
        throw new AppError("invalid", `No login at ${deps.name} waits for this. Run: agent mcp login ${deps.name}`);
      }
      try {
        await tried.finishAuth(params);
      } catch (thrown) {
        throw toMcpError(thrown, sdk, deps.name);
      }
    },
    lastWords: () => lastWords,
    confinement: () => undefined,
  };
}
