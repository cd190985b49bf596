import { AppError, toAppError } from "../core/error.ts";
import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";
import { type Gate, openGate } from "./gate.ts";

/** How long a client may take to fetch the rest of an answer when the listener goes. */
const farewellMs = 2_000;

/** One address that is listened on. Its requests must all be answered soon after its disposal begins. */
export interface Listener extends AsyncDisposable {
  /** Where this machine reaches it. */
  readonly url: URL;
  /** Who answers from now on; `peer` is the address that asks. Until then everything is answered 503. */
  answerWith(handle: (request: Request, peer: string) => Response | Promise<Response>): void;
}

/**
 * Which listener it is, and where its address is configured. Those that answer without a token stand behind a gate; before
 * the admin's, where streams and many requests are at home, stands a proxy if anybody else reaches it.
 */
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
  const server = openServer(spec, { hostname, port, ...deps }, async (request, peer) => {
    const response = await handle(request, peer);
    deps.metrics.count("nexo_http_requests_total", { listener: spec.name, status: String(response.status) });
    return response;
  });
  return {
    url: new URL(`http://${toReachableHost(hostname)}:${server.port}`),
    answerWith: (next) => void (handle = next),
    async [Symbol.asyncDispose]() {
      const answered = new AbortController();
      try {
        await Promise.race([server.shutdown(), deps.clock.wait(farewellMs, answered.signal)]);
      } finally {
        answered.abort();
        await server.gate?.[Symbol.asyncDispose]();
      }
    },
  };
}

interface Server {
  readonly port: number;
  readonly gate?: Gate;
  shutdown(): Promise<void>;
}

function openServer(
  spec: ListenerSpec,
  place: { readonly hostname: string; readonly port: number; readonly metrics: Metrics; readonly clock: Clock },
  handle: (request: Request, peer: string) => Promise<Response>,
): Server {
  try {
    return spec.name === "admin" ? serve(place, handle) : serveBehindGate(place, handle);
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

function serve(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  handle: (request: Request, peer: string, peerPort: number) => Promise<Response>,
): Server {
  const server = Deno.serve(
    { hostname, port, onListen: () => {/* the app says where it listens */} },
    (request, { remoteAddr }) => handle(request, remoteAddr.hostname, remoteAddr.port),
  );
  return { port: server.addr.port, shutdown: () => server.shutdown() };
}

function serveBehindGate(
  place: { readonly hostname: string; readonly port: number; readonly metrics: Metrics; readonly clock: Clock },
  handle: (request: Request, peer: string) => Promise<Response>,
): Server {
  const listener = Deno.listen(place);
  const inner = serve(
    { hostname: "127.0.0.1", port: 0 },
    (request, peer, peerPort) => handle(request, gate.peerOf(peerPort) ?? peer),
  );
  const gate = openGate(listener, inner.port, place);
  return {
    port: listener.addr.port,
    gate,
    async shutdown() {
      gate.close();
      await inner.shutdown();
    },
  };
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
