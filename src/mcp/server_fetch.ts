import type { McpHttpConfig } from "../config/mcp.ts";
import { AppError } from "../core/error.ts";
import type { Metrics } from "../core/metrics.ts";
import { isPrivateHost } from "./private_host.ts";

/** What {@linkcode newServerFetch} needs. */
export interface ServerFetchDeps {
  readonly name: string;
  readonly config: Pick<McpHttpConfig, "url" | "headers" | "max_result_bytes">;
  readonly metrics: Metrics;
  /** Told about a message that was too long: what follows it on its stream is lost. */
  onTooLong(error: AppError): void;
}

const newLine = 0x0a;
const carriageReturn = 0x0d;

/**
 * The `fetch` for one server. Its headers go to its own origin alone. Where it sends us elsewhere (its login server), that
 * must not be an address inside of our network, unless it is there itself. No message may be longer than the config says.
 */
export function newServerFetch({ name, config, metrics, onTooLong }: ServerFetchDeps): typeof fetch {
  const own = new URL(config.url);
  let isOwnPrivate: Promise<boolean> | undefined;

  const refuse = (reason: string, message: string): AppError => {
    metrics.count("nexo_refusals_total", { part: "mcp", reason });
    return new AppError("denied", `The MCP server ${name} ${message}`, { reason });
  };

  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!/^https?:$/.test(url.protocol)) throw refuse("bad_address", `named an address that is not HTTP`);
    const headers = new Headers(init?.headers);
    if (url.origin === own.origin) {
      for (const [header, secret] of Object.entries(config.headers)) {
        if (!headers.has(header)) headers.set(header, secret.reveal());
      }
    } else if (await isPrivateHost(url.hostname)) {
      isOwnPrivate ??= isPrivateHost(own.hostname);
      if (!await isOwnPrivate) throw refuse("private_address", "sent us to an address inside of this network");
    }
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    const { body } = response;
    // A response without a body of its own cannot be made anew with one.
    if (body === null || response.status < 200) return response;
    const isEvents = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    const bounded = body.pipeThrough(newBound(config.max_result_bytes, isEvents, (bytes) => {
      const error = refuse("message_too_long", `sent a message of more than ${bytes} bytes`);
      onTooLong(error);
      return error;
    }));
    return new Response(bounded, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  };
}

/** Lets bytes pass until there are too many: in all, or where `isEvents` between two empty lines. */
function newBound(
  maxBytes: number,
  isEvents: boolean,
  toError: (bytes: number) => AppError,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let count = 0;
  let endsLine = false;
  return new TransformStream({
    transform(chunk, controller) {
      for (let index = 0; isEvents && index < chunk.length; index++) {
        const byte = chunk[index];
        if (byte === carriageReturn) continue;
        if (byte === newLine && endsLine) count = -index - 1;
        endsLine = byte === newLine;
      }
      count += chunk.length;
      if (count > maxBytes) throw toError(maxBytes);
      controller.enqueue(chunk);
    },
  });
}
