import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { AppError, toAppError } from "../core/error.ts";
import { isPublicAddress } from "./public_address.ts";

/** How a page is fetched. */
export interface GuardedFetchOptions {
  readonly method?: "GET" | "HEAD" | "POST" | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** More of the body is refused. @default {2_000_000} */
  readonly maxBytes?: number | undefined;
  /** For all hops together, milliseconds. @default {20_000} */
  readonly timeoutMs?: number | undefined;
  /** @default {5} */
  readonly maxRedirects?: number | undefined;
  /** `host:port` of places inside the own network that may be asked nevertheless. */
  readonly allowPrivate?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came back. */
export interface GuardedResponse {
  readonly status: number;
  /** Address of the last hop. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const defaults = { maxBytes: 2_000_000, timeoutMs: 20_000, maxRedirects: 5 } as const;

/**
 * Fetches an address that somebody else has chosen. Only http and https, only public addresses: each hop's name is
 * resolved once, every address that it stands for is checked, and the connection goes to one of exactly those, so that a
 * name cannot mean another machine a moment later.
 *
 * @throws {AppError} `denied` for an address that must not be asked, reason `private_address` or `scheme`; `invalid` for
 * one that is none or a body that is too large; `timeout`; `unavailable`.
 */
export async function guardedFetch(address: string, options: GuardedFetchOptions = {}): Promise<GuardedResponse> {
  const { maxRedirects = defaults.maxRedirects, timeoutMs = defaults.timeoutMs } = options;
  const timer = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? timer : AbortSignal.any([timer, options.signal]);
  let url = parseUrl(address);
  let hop: GuardedFetchOptions = options;
  try {
    for (let redirects = 0;; redirects++) {
      const response = await fetchHop(url, hop, signal);
      const { location } = response.headers;
      if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response;
      if (redirects === maxRedirects) {
        throw new AppError("invalid", `${address} leads through more than ${maxRedirects} redirects`);
      }
      const next = parseUrl(location, url);
      hop = toNextHop(hop, response.status, next.origin === url.origin);
      url = next;
    }
  } catch (thrown) {
    if (timer.aborted) throw new AppError("timeout", `${url.origin} took longer than ${timeoutMs} ms`);
    options.signal?.throwIfAborted();
    throw toAppError(thrown);
  }
}

/** A redirect to elsewhere takes no credentials along, and one after a form becomes a GET (RFC 9110, 15.4). */
function toNextHop(hop: GuardedFetchOptions, status: number, sameOrigin: boolean): GuardedFetchOptions {
  const { body, method = "GET", headers = {}, ...rest } = hop;
  const kept = Object.entries(headers).filter(([name]) => sameOrigin || !/^(authorization|cookie)$/i.test(name));
  const again = { ...rest, headers: Object.fromEntries(kept) };
  return status === 307 || status === 308
    ? { ...again, method, body }
    : { ...again, method: method === "HEAD" ? "HEAD" : "GET" };
}

function parseUrl(address: string, base?: URL): URL {
  const url = URL.parse(address, base);
  if (url === null) throw new AppError("invalid", `"${address.slice(0, 200)}" is no address`);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new AppError("denied", `${url.protocol} addresses are not fetched`, { reason: "scheme" });
  }
  if (url.username !== "" || url.password !== "") {
    throw new AppError("denied", `Addresses with a password are not fetched: ${url.origin}`, { reason: "scheme" });
  }
  return url;
}

async function fetchHop(url: URL, options: GuardedFetchOptions, signal: AbortSignal): Promise<GuardedResponse> {
  signal.throwIfAborted();
  const { method = "GET", headers = {}, body, maxBytes = defaults.maxBytes, allowPrivate = [] } = options;
  const addresses = await resolve(url, allowPrivate);
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const { promise, resolve: take, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(url, {
    method,
    headers: { "user-agent": "nexo", "accept-encoding": "identity", ...headers },
    agent: false,
    lookup: toLookup(addresses),
    signal,
  }, take);
  sent.on("error", reject);
  sent.end(body);
  const response = await promise;
  try {
    return {
      status: response.statusCode ?? 0,
      url: url.href,
      headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value ?? "")])),
      body: await readBody(response, url, maxBytes),
    };
  } finally {
    response.destroy();
    sent.destroy();
  }
}

/** Every address that the host stands for, all of them checked. */
async function resolve(url: URL, allowPrivate: readonly string[]): Promise<readonly LookupAddress[]> {
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const family = isIP(name);
  const addresses = family === 0 ? await lookup(name, { all: true }) : [{ address: name, family }];
  const closed = addresses.find(({ address }) => !isPublicAddress(address));
  if (addresses.length === 0) throw new AppError("unavailable", `${name} has no address`);
  if (closed === undefined || allowPrivate.includes(`${name}:${port}`)) return addresses;
  throw new AppError("denied", `${name} is not on the public network and is not fetched`, {
    reason: "private_address",
  });
}

/** Names nothing but what was checked. */
function toLookup(addresses: readonly LookupAddress[]): LookupFunction {
  return (_name, { all }, done) => {
    const [first] = addresses;
    if (all === true || first === undefined) done(null, [...addresses]);
    else done(null, first.address, first.family);
  };
}

async function readBody(response: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new AppError("invalid", `${url.origin} sent more than ${maxBytes} bytes`, { reason: "too_large" });
    }
    chunks.push(chunk);
  }
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
