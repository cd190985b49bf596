import type { Client, OAuthClientProvider, Transport } from "@modelcontextprotocol/client";
import type { McpHttpConfig } from "../config/mcp.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Sdk } from "./sdk.ts";
import { newServerFetch } from "./server_fetch.ts";

/** What a connection over HTTP needs. */
export interface HttpWireDeps {
  readonly name: string;
  readonly config: McpHttpConfig;
  readonly sdk: Sdk;
  readonly metrics: Metrics;
  /** Where the config asks for OAuth. */
  readonly auth: OAuthClientProvider | undefined;
}

/** Statuses with which servers of 2024 answer a request of Streamable HTTP. */
const olderStatuses: readonly number[] = [400, 404, 405];

/** Connects `client` over HTTP; `signal` ends the try. The older SSE is tried where the server does not know the newer way. */
export async function connectHttp(client: Client, deps: HttpWireDeps, signal: AbortSignal): Promise<Transport> {
  const { config, sdk, auth } = deps;
  const url = new URL(config.url);
  const fetch = newServerFetch(deps);
  const options = { fetch, ...(auth === undefined ? {} : { authProvider: auth }) };
  const timeout = config.connect_timeout;
  const connectSse = async () => {
    const transport = new sdk.SSEClientTransport(url, options);
    await client.connect(transport, { signal, timeout });
    return transport;
  };
  if (config.transport === "sse") return await connectSse();
  try {
    const transport = new sdk.StreamableHTTPClientTransport(url, {
      ...options,
      // Our own watch asks the server whether it is there; the stream of its messages is only opened again.
      reconnectionOptions: {
        initialReconnectionDelay: 1_000,
        maxReconnectionDelay: 30_000,
        reconnectionDelayGrowFactor: 2,
        maxRetries: Number.MAX_SAFE_INTEGER,
      },
    });
    await client.connect(transport, { signal, timeout });
    return transport;
  } catch (thrown) {
    const isOlder = thrown instanceof sdk.SdkHttpError && olderStatuses.includes(thrown.status);
    if (config.transport === "http" || !isOlder) throw thrown;
    await client.close();
    return await connectSse();
  }
}
