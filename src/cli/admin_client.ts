import { z } from "zod";
import { AppError, type ErrorKind, errorKinds, toAppError } from "../core/error.ts";
import { sayAsOwner } from "./place.ts";
import { readTextIfThere } from "../folder/files.ts";
import { refusalSchema } from "../http/refusal_api.ts";
import { type Status, statusSchema } from "../http/status_api.ts";
import { cliAgent } from "../http/door.ts";
import { systemClock } from "../lib/clock.ts";
import { toShellWord } from "../lib/shell.ts";
import { withIdleTimeout } from "../resilience/deadline.ts";

/** The admin API of the running process. Every answer is checked. */
export interface AdminClient {
  /** @throws {AppError} what the process answered with, or `unavailable` and `timeout` where it does not answer. */
  get<T>(path: string, query: Query, schema: z.ZodType<T>): Promise<T>;
  /** @throws {AppError} like {@linkcode AdminClient.get} */
  post<T>(path: string, body: unknown, schema: z.ZodType<T>, options?: { readonly timeoutMs: number }): Promise<T>;
  /** Posts; gives the body of the streamed answer as it comes. @throws {AppError} like {@linkcode AdminClient.get} */
  stream(path: string, body: unknown): AsyncIterable<Uint8Array>;
  /** Gets; gives the body of the streamed answer as it comes. @throws {AppError} like {@linkcode AdminClient.get} */
  follow(path: string, query: Query): AsyncIterable<Uint8Array>;
}

/** Values of a query; absent ones are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** The process that works on a data folder. */
export interface Running {
  readonly admin: AdminClient;
  /** Address of its console. */
  readonly console: string;
  /** How it stood when it was found. */
  readonly status: Status;
  /** The token that it takes. */
  readonly token: string;
}

const runFileSchema = z.object({ pid: z.number(), bootId: z.string(), admin: z.url() });

/** The listener is on this machine: longer means that the process hangs. */
const answerMs = 20_000;

/** A stream says at least that it is alive every 15 s; how long it may go on is the process's own affair. */
const streamTimeouts = { firstMs: 60_000, idleMs: 60_000, totalMs: 24 * 3_600_000 } as const;

/**
 * Finds the process that works on `dataDir` by its `run.json`; `undefined` where none runs.
 *
 * @throws {AppError} `denied` for a wrong token, `timeout` where the process is there and does not answer.
 */
export async function findRunning(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Running | undefined> {
  const runFile = await readRunFile(dataDir);
  if (runFile === undefined) return undefined;
  const run = runFileSchema.safeParse(parseJson(runFile));
  if (!run.success) return undefined;
  const token = env["AGENT_ADMIN_TOKEN"] || (await readTextIfThere(`${dataDir}/admin.token`))?.trim();
  if (!token) {
    throw new AppError(
      "denied",
      `Cannot talk to process ${run.data.pid}: ${dataDir}/admin.token is missing. Set AGENT_ADMIN_TOKEN to the token it was started with`,
    );
  }
  const admin = newAdminClient(run.data.admin, token);
  try {
    const status = await admin.get("/api/status", {}, statusSchema);
    // A file left behind by a process that died may name an address that is another's by now.
    return status.bootId === run.data.bootId ? { admin, console: run.data.admin, status, token } : undefined;
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.kind === "unavailable" && error.reason === notReached) return undefined;
    throw error;
  }
}

async function readRunFile(dataDir: string): Promise<string | undefined> {
  try {
    return await readTextIfThere(`${dataDir}/run.json`);
  } catch (thrown) {
    if (toAppError(thrown).kind !== "denied") throw thrown;
    const command = await sayAsOwner(dataDir, "agent …");
    throw new AppError(
      "denied",
      `${dataDir} is another user's, and this one may not look into it. Run it so: ${command}`,
    );
  }
}

/** Like {@linkcode findRunning}. @throws {AppError} `unavailable` where nothing runs. */
export async function requireRunning(...place: Parameters<typeof findRunning>): Promise<Running> {
  const running = await findRunning(...place);
  if (running !== undefined) return running;
  const [dataDir] = place;
  throw new AppError("unavailable", `Nothing runs on ${dataDir}. Start it: ${startCommand(dataDir)}`);
}

/** The command that starts the process of `dataDir`. */
export function startCommand(dataDir: string): string {
  return dataDir === "./data" ? "agent run" : `agent run --data ${toShellWord(dataDir)}`;
}

const notReached = "not_reached";

function newAdminClient(base: string, token: string): AdminClient {
  bypassProxies(new URL(base).hostname);
  const ask = async (path: string, query: Query, init: RequestInit): Promise<Response> => {
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    let response: Response;
    try {
      response = await fetch(url, {
        ...init,
        redirect: "error",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "user-agent": cliAgent },
      });
    } catch (thrown) {
      const { kind, message } = toAppError(thrown);
      if (kind === "timeout") {
        throw new AppError("timeout", `The process at ${url.origin} does not answer. See its log, or restart it`);
      }
      throw new AppError(kind, `Cannot reach ${url.origin}: ${message}`, { cause: thrown, reason: notReached });
    }
    if (!response.ok) throw await toRefusalError(response);
    return response;
  };
  const read = async <T>(response: Response, schema: z.ZodType<T>): Promise<T> => {
    const answer = schema.safeParse(parseJson(await response.text()));
    if (answer.success) return answer.data;
    throw new AppError("bug", `Cannot read the answer of ${response.url}: is it another version? Restart the process`, {
      cause: answer.error,
    });
  };
  return {
    async get(path, query, schema) {
      return await read(await ask(path, query, { signal: AbortSignal.timeout(answerMs) }), schema);
    },
    async post(path, body, schema, { timeoutMs } = { timeoutMs: answerMs }) {
      const init = { method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout(timeoutMs) };
      return await read(await ask(path, {}, init), schema);
    },
    stream: (path, body) => readBody((signal) => ask(path, {}, { method: "POST", body: JSON.stringify(body), signal })),
    follow: (path, query) => readBody((signal) => ask(path, query, { signal })),
  };
}

function readBody(ask: (signal: AbortSignal) => Promise<Response>): AsyncIterable<Uint8Array> {
  const open = async function* (signal: AbortSignal) {
    yield* (await ask(signal)).body ?? [];
  };
  const signal = new AbortController().signal;
  return withIdleTimeout(open, streamTimeouts, { clock: systemClock, signal, what: "The process" });
}

/** What goes to this machine, with the token, must not go through a proxy. fetch() takes proxies from the environment. */
function bypassProxies(host: string): void {
  const known = Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy");
  Deno.env.set("NO_PROXY", known ? `${known},${host}` : host);
}

async function toRefusalError(response: Response): Promise<AppError> {
  const refusal = refusalSchema.safeParse(parseJson(await response.text()));
  if (!refusal.success) {
    return new AppError("unavailable", `${response.url} answered ${response.status}, and not as this program does`);
  }
  const { kind, message, reason } = refusal.data.error;
  return new AppError(isKind(kind) ? kind : "bug", message, { reason });
}

function isKind(kind: string): kind is ErrorKind {
  return Object.hasOwn(errorKinds, kind);
}

/** Text of another process: what is no JSON is nothing that a schema takes. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
