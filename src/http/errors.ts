import type { Env, Hono } from "hono";
import { errorKinds, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { newNoRouteError, toOpenAiRefusalResponse, toRefusal, toRefusalResponse } from "./refusal.ts";

/** What comes in thousands a second under load or a port scan: counted, but kept out of the log. */
const quietReasons: readonly string[] = [
  "no_route",
  "intake_paused",
  "too_many_waiting",
  "too_many_webhooks",
  "body_too_slow",
];

/** Makes `app` count, log and answer whatever its routes throw, in the shape that the client reads. */
export function catchErrors<E extends Env>(
  app: Hono<E>,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): Hono<E> {
  app.notFound((context) => {
    throw newNoRouteError(context.req.method);
  });

  app.onError((thrown, context) => {
    const error = toAppError(thrown);
    const refusal = toRefusal(error);
    metrics.count("nexo_refusals_total", { part: "http", reason: refusal.reason });
    const fields = { method: context.req.method, status: refusal.status, reason: refusal.reason, error: error.message };
    if (error.kind === "bug") {
      const { stack } = error.cause instanceof Error ? error.cause : error;
      log.error("http.failed", { ...fields, stack });
    } else {
      log[quietReasons.includes(refusal.reason) ? "debug" : errorKinds[error.kind].level]("http.refused", fields);
    }
    return context.req.path.startsWith("/v1/") ? toOpenAiRefusalResponse(refusal) : toRefusalResponse(refusal);
  });
  return app;
}
