import type { Clock } from "../core/clock.ts";
import type { Caller } from "./caller.ts";
import { every } from "./every.ts";
import type { Logins } from "./logins.ts";

/** How soon a stream ends whose caller's token or login has. */
const lookMs = 1_000;

/** Ends streams whose callers may not see them any more. */
export interface StreamEnds extends AsyncDisposable {
  /** The same answer, which ends when what the caller was let in with does. */
  bind(caller: Caller, response: Response): Response;
  /** Looks now: something has ended. */
  look(): void;
}

interface Bound {
  readonly caller: Caller;
  end(): void;
}

/** Opens the look at all streams, once a second while there are any. */
export function openStreamEnds(
  { logins, clock }: { readonly logins: Pick<Logins, "isLive">; readonly clock: Clock },
): StreamEnds {
  const gone = new AbortController();
  const streams = new Set<Bound>();
  const isLive = (caller: Caller) => {
    try {
      return logins.isLive(caller);
    } catch {
      return false; // Who cannot be looked up may see nothing.
    }
  };
  const look = () => {
    for (const stream of streams) if (!isLive(stream.caller)) stream.end();
  };
  const looking = every(lookMs, clock, gone.signal, look);

  return {
    look,
    bind(caller, response) {
      if (response.body === null) return response;
      const reader = response.body.getReader();
      const bound: Bound = {
        caller,
        end() {
          streams.delete(bound);
          // Whoever reads sees an end, not a fault.
          void reader.cancel();
        },
      };
      streams.add(bound);
      // Nothing is read ahead: the stream underneath sees how slow its reader is.
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (value !== undefined) return controller.enqueue(value);
          streams.delete(bound);
          if (done) controller.close();
        },
        cancel: bound.end,
      }, { highWaterMark: 0 });
      return new Response(body, response);
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      await looking;
    },
  };
}
