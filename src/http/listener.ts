import { AppError, toAppError } from "../core/error.ts";
import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";

/** How long a client may take to fetch the rest of an answer when the listener goes. */
const farewellMs = 2_000;

/** One address that is listened on. Its requests must all be answered soon after its disposal begins. */
export interface Listener extends AsyncDisposable {
  /** Where this machine reaches it. */
  readonly url: URL;
  /** Who answers from now on; `peer` is the address that asks. Until then everything is answered 503. */
  answerWith(handle: (request: Request, peer: string) => Response | Promise<Response>): void;
}

/** Which listener it is, and where its address is configured. */
export interface ListenerSpec {
  readonly name: "health" | "metrics" | "admin";
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
}

/**
 * Listens on an address.
 *
 * @throws {AppError} `conflict` when the port is in use, else what the system said; both with the setting to change.
 */
export function openListener(
  spec: ListenerSpec,
  deps: { readonly metrics: Metrics; readonly clock: Clock },
): Listener {
  const { hostname, port } = parseAddress(spec);
  let handle: Parameters<Listener["answerWith"]>[0] = () => new Response(null, { status: 503 });
  const server = serve(spec, hostname, port, async (request, peer) => {
    const response = await handle(request, peer);
    deps.metrics.count("nexo_http_requests_total", { listener: spec.name, status: String(response.status) });
    return response;
  });
  return {
    url: new URL(`http://${toReachableHost(hostname)}:${server.addr.port}`),
    answerWith: (next) => void (handle = next),
    async [Symbol.asyncDispose]() {
      const answered = new AbortController();
      try {
        await Promise.race([server.shutdown(), deps.clock.wait(farewellMs, answered.signal)]);
      } finally {
        answered.abort();
      }
    },
  };
}

function serve(
  spec: ListenerSpec,
  hostname: string,
  port: number,
  handler: (request: Request, peer: string) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(
      { hostname, port, onListen: () => {/* the app says where it listens */} },
      (request, { remoteAddr }) => handler(request, remoteAddr.hostname),
    );
  } catch (error) {
    const fault = toAppError(error);
    const found = fault.kind === "conflict" ? "the port is in use by another program" : fault.message;
    throw new AppError(
      fault.kind === "bug" ? "invalid" : fault.kind,
      `Cannot listen on ${spec.address} (${spec.name}): ${found}. Free it, or choose another address with ` +
        `http.${spec.name} in runtime.yaml or AGENT_${spec.name.toUpperCase()}_ADDR (port 0 takes a free one)`,
      { cause: error, reason: fault.kind === "conflict" ? "port_in_use" : "address_refused" },
    );
  }
}

function parseAddress({ name, address }: ListenerSpec): { readonly hostname: string; readonly port: number } {
  const split = address.lastIndexOf(":");
  const hostname = address.slice(0, split).replace(/^\[|\]$/g, "");
  const port = Number(address.slice(split + 1));
  if (split < 1 || !Number.isInteger(port) || port > 65_535) {
    throw new AppError("invalid", `http.${name}: "${address}" is no address. Write host:port with a port up to 65535`);
  }
  return { hostname, port };
}

function toReachableHost(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
