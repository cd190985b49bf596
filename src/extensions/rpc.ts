import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import { isNestedDeeperThan } from "../lib/depth.ts";
import { withDeadline } from "../resilience/deadline.ts";

/** JSON-RPC 2.0 with an extension, one message a line. */
export interface Rpc {
  /** Requests that are not answered. */
  readonly open: number;
  /**
   * Asks and waits. When `signal` fires, or time is up, the extension is told with `$/cancel`.
   *
   * @throws {AppError} `timeout`; `invalid` with the extension's own words where it answers with an error, reason
   * `refused`; `unavailable` when it ends first. The signal's reason when it fires.
   */
  request(
    method: string,
    params: unknown,
    options: { readonly signal: AbortSignal; readonly deadlineMs: number },
  ): Promise<unknown>;
  /** Takes a line of the extension. */
  take(line: string): void;
  /** Fails whatever is open. */
  end(error: AppError): void;
}

/** What a notification of an extension says. */
export type Notification =
  | { readonly method: "progress"; readonly params: { readonly message?: string | undefined } }
  | {
    readonly method: "log";
    readonly params: { readonly level: "debug" | "info" | "warn" | "error"; readonly message: string };
  };

/** What {@linkcode newRpc} needs. */
export interface RpcDeps {
  /** What the errors call the other side. */
  readonly name: string;
  readonly clock: Clock;
  write(line: string): Promise<void>;
  notified(notification: Notification): void;
  /** It has said too much that means nothing: `why` says what. Called once. */
  broken(why: string): void;
}

const messageSchema = z.union([
  z.object({ id: z.number(), error: z.object({ code: z.number(), message: z.string() }) }),
  z.object({ id: z.number(), result: z.unknown() }),
  z.object({ method: z.literal("progress"), params: z.object({ message: z.string().max(2_000).optional() }) }),
  z.object({
    method: z.literal("log"),
    params: z.object({ level: z.enum(["debug", "info", "warn", "error"]), message: z.string().max(2_000) }),
  }),
]);

/** Lines that are no answers: a program that prints now and then is borne with, one that does nothing else is not. */
const maxStrayLines = 200;
/** Deeper values overflow the stack of whoever writes them down. */
const maxLevels = 64;

/** Makes an {@linkcode Rpc}. */
export function newRpc({ name, clock, write, notified, broken }: RpcDeps): Rpc {
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  let strays = 0;
  let ended: AppError | undefined;

  const send = (message: Readonly<Record<string, unknown>>) => write(JSON.stringify({ jsonrpc: "2.0", ...message }));

  function takeStray(what: string): void {
    if (++strays === maxStrayLines) broken(`It wrote ${strays} lines that answer nothing, the last one ${what}`);
  }

  return {
    get open() {
      return open.size;
    },
    async request(method, params, { signal, deadlineMs }) {
      if (ended !== undefined) throw ended;
      using deadline = withDeadline(signal, deadlineMs, clock, `${method} of ${name}`);
      deadline.signal.throwIfAborted();
      const id = ++lastId;
      const answer = Promise.withResolvers<unknown>();
      open.set(id, answer);
      const cancel = () => {
        answer.reject(deadline.signal.reason);
        send({ method: "$/cancel", params: { id } }).catch(() => {/* it is gone, and so is what would be cancelled */});
      };
      deadline.signal.addEventListener("abort", cancel);
      try {
        send({ id, method, params }).catch(answer.reject);
        return await answer.promise;
      } finally {
        open.delete(id);
        deadline.signal.removeEventListener("abort", cancel);
      }
    },
    take(line) {
      const message = parse(line);
      if (message === undefined) return takeStray("is no JSON-RPC");
      if ("method" in message) return notified(message);
      const question = open.get(message.id);
      // An answer that came after its deadline, a second one, or one to a question that nobody has asked.
      if (question === undefined) return takeStray("has an id that nobody waits for");
      open.delete(message.id);
      if (!("error" in message)) return question.resolve(message.result);
      question.reject(new AppError("invalid", message.error.message.slice(0, 2_000), { reason: refusedReason }));
    },
    end(error) {
      ended = error;
      for (const question of open.values()) question.reject(error);
    },
  };
}

/** Reason of an error that the extension itself has answered with. */
export const refusedReason = "refused";

function parse(line: string) {
  if (isNestedDeeperThan(line, maxLevels)) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  return messageSchema.safeParse(data).data;
}
