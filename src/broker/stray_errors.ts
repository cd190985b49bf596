import type { Log } from "../core/log.ts";

const socketCodes: ReadonlySet<unknown> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT"]);

/**
 * Keeps the process alive when a socket of the NATS client fails that the client listens to no more: it takes its
 * listeners away between the steps of connecting, and before it destroys a socket. A server that refuses credentials
 * resets the connection at just that time, and what nobody listens to would end the process. Nothing is lost by it: the
 * client notices by itself that the connection is gone.
 */
export function catchStraySocketErrors(log: Log): Disposable {
  const onError = (event: ErrorEvent) => {
    if (!isSocketError(event.error)) return;
    event.preventDefault();
    log.debug("nats.socket_failed", { error: event.message });
  };
  globalThis.addEventListener("error", onError);
  return { [Symbol.dispose]: () => globalThis.removeEventListener("error", onError) };
}

function isSocketError(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  // A server that does not take our certificate says so when the client has taken the connection for made already.
  return thrown.message.startsWith("received fatal alert") || ("code" in thrown && socketCodes.has(thrown.code));
}
