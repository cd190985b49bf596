import { errors } from "@nats-io/transport-node";
import { AppError, toAppError } from "../core/error.ts";
import type { NatsWire } from "../core/nats_wire.ts";
import type { Link, Session } from "./link.ts";

/** Bare text over the connection of the bus. Subjects are as written: the bus's own prefix is not put before them. */
export function newNatsWire(link: Pick<Link, "state">): NatsWire {
  const requireSession = (): Session => {
    const { current } = link.state;
    if (current.state === "up") return current.session;
    throw new AppError("unavailable", `NATS is not there: ${current.reason}`, { retryAfterMs: 1_000 });
  };

  return {
    listen(subject, { take, connected }, signal) {
      const serve = () => {
        const { current } = link.state;
        if (current.state !== "up") return;
        const { connection } = current.session;
        const subscription = connection.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) take(message.string(), message.subject);
          },
        });
        signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
        connected?.();
      };
      const follow = async () => {
        serve();
        for await (const _ of link.state.changes(signal)) serve();
      };
      follow();
    },
    publish(subject, text) {
      requireSession().connection.publish(subject, text);
    },
    async request(subject, text, timeoutMs) {
      const { connection } = requireSession();
      try {
        return (await connection.request(subject, text, { timeout: timeoutMs })).string();
      } catch (thrown) {
        if (thrown instanceof errors.TimeoutError) {
          throw new AppError("timeout", `Nobody answered on ${subject} in time`);
        }
        throw new AppError("unavailable", `Nobody answers on ${subject}: ${toAppError(thrown).message}`);
      }
    },
  };
}
