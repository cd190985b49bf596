import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from "@nats-io/transport-node";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";

/**
 * Asks on one connection, many at a time and all with the same patience. The client's own request makes a timer and an
 * error with a stack for each question, which is a fifth of what an event over JetStream costs.
 */
export interface Asker {
  /**
   * @throws {NoRespondersError} where nobody listens on `subject`; {TimeoutError} where no answer came in time;
   * {PermissionViolationError}; what the client throws for a message that it does not send; {AppError} the signal's reason.
   */
  ask(subject: string, text: string, headers?: MsgHdrs): Promise<Msg>;
}

interface Question {
  readonly subject: string;
  readonly askedAtMs: number;
  resolve(answer: Msg): void;
  reject(reason: unknown): void;
}

const lookEveryMs = 250;

/** Makes an {@linkcode Asker} that lives until `signal` fires, which means that the connection is gone. */
export function newAsker(
  connection: NatsConnection,
  { clock, patienceMs, signal }: { readonly clock: Clock; readonly patienceMs: number; readonly signal: AbortSignal },
): Asker {
  const inbox = createInbox();
  /** In the order in which they were asked. */
  const open = new Map<string, Question>();
  let asked = 0;
  let looking = false;

  const close = (token: string): Question | undefined => {
    const question = open.get(token);
    open.delete(token);
    return question;
  };

  connection.subscribe(`${inbox}.*`, {
    callback(error, message) {
      if (error !== null) return rejectAll(error);
      const question = close(message.subject.slice(inbox.length + 1));
      if (message.headers?.code === 503) question?.reject(new NoRespondersError(question.subject));
      else question?.resolve(message);
    },
  });

  const rejectAll = (reason: unknown): void => {
    const questions = [...open.values()];
    open.clear();
    for (const question of questions) question.reject(reason);
  };
  signal.addEventListener("abort", () => rejectAll(toAppError(signal.reason)), { once: true });

  /** One timer for all questions: they were asked one after the other. */
  const look = async (): Promise<void> => {
    looking = true;
    while (open.size > 0) {
      await clock.wait(lookEveryMs, signal).catch(() => {/* gone: everything is rejected */});
      for (const [token, { askedAtMs, reject }] of open) {
        if (clock.monotonic() - askedAtMs < patienceMs) break;
        open.delete(token);
        reject(new TimeoutError());
      }
    }
    looking = false;
  };

  const followErrors = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type !== "error" || !(status.error instanceof PermissionViolationError)) continue;
      const { operation, subject } = status.error;
      for (const [token, question] of open) {
        if (operation === "publish" && question.subject === subject) close(token)?.reject(status.error);
      }
    }
  };
  followErrors().catch(rejectAll);

  return {
    ask(subject, text, headers) {
      const { promise, resolve, reject } = Promise.withResolvers<Msg>();
      const token = (asked++).toString(36);
      connection.publish(subject, text, { reply: `${inbox}.${token}`, ...(headers === undefined ? {} : { headers }) });
      open.set(token, { subject, askedAtMs: clock.monotonic(), resolve, reject });
      if (!looking) look();
      return promise;
    },
  };
}
