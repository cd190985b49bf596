import { type Context, Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import { AppError } from "../core/error.ts";
import type { Intake } from "../core/intake.ts";
import type { SubsystemStatus } from "../core/status.ts";
import { calls } from "../core/topics.ts";
import type { Live } from "../lib/live.ts";
import type { Ready } from "./status_api.ts";
import { readText } from "./body.ts";
import { requireOpenIntake } from "./intake.ts";

/** Webhook requests that may be worked on at the same time: each may hold a whole body. */
const maxWebhooks = 64;
/** Providers give up on a webhook after about this long and send it again. */
const webhookMs = 30_000;

/** Updates name files, they do not hold them. */
const maxWebhookBytes = 2_000_000;
/** How long a sender may take for its body: a few slow ones must not hold all places of {@linkcode maxWebhooks}. */
const bodyMs = 5_000;

/** What the public listener uses. */
export interface HealthDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly intake: Pick<Intake, "pausedBy">;
  status(): readonly SubsystemStatus[];
}

/** What the public listener knows of a request beside the request itself. */
interface HealthEnv {
  readonly Bindings: { readonly peer: string };
}

/** The public listener: probes for whoever runs the process, and the webhooks of providers. */
export function newHealthRoutes({ config, bus, intake, status }: HealthDeps): Hono<HealthEnv> {
  const app = new Hono<HealthEnv>();
  let webhooks = 0;

  app.get("/health", (context) => context.json({ status: "ok" }));

  app.get("/ready", (context) => {
    const { status: state, subsystems } = toReady(status());
    // Whoever asks from elsewhere learns what readiness hangs on. The rest names accounts, servers and agents, and why one
    // of them is down may be in the words of another's program.
    const seen = isFromHere(context) ? subsystems : subsystems.filter(({ critical }) => critical);
    const ready: Ready = { status: state, subsystems: seen };
    return context.json(ready, state === "ready" ? 200 : 503);
  });

  app.post("/webhooks/:plugin/:instance", async (context) => {
    requireOpenIntake(intake);
    if (webhooks >= maxWebhooks) {
      throw new AppError("unavailable", "Too many webhook requests at once. Send it again soon", {
        reason: "too_many_webhooks",
        retryAfterMs: 1_000,
      });
    }
    webhooks++;
    try {
      const { plugin, instance } = context.req.param();
      const request = context.req.raw;
      const signal = AbortSignal.timeout(webhookMs);
      const body = await readInTime(request, Math.min(maxWebhookBytes, config.current.runtime.http.max_body_bytes));
      const answer = await bus.request(calls.webhook(plugin, instance), {
        method: request.method,
        headers: Object.fromEntries(request.headers),
        body,
      }, { signal });
      return new Response(answer.body === "" ? null : answer.body, { status: answer.status });
    } finally {
      webhooks--;
    }
  });

  return app;
}

/** Whether a program of this machine asks for itself: a proxy on it says for whom it asks. */
function isFromHere({ env, req }: Context<HealthEnv>): boolean {
  const isForwarded = ["x-forwarded-for", "forwarded", "x-real-ip"].some((name) => req.header(name) !== undefined);
  return /^(?:127\.|::1$|::ffff:127\.)/.test(env.peer) && !isForwarded;
}

/** @throws {AppError} `invalid`, reason `body_too_slow`; whatever {@linkcode readText} throws. */
async function readInTime(request: Request, maxBytes: number): Promise<string> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const error = new AppError("invalid", "The request's body took too long. Send it again", { reason: "body_too_slow" });
  const timer = setTimeout(() => reject(error), bodyMs);
  return await Promise.race([readText(request, maxBytes), late]).finally(() => clearTimeout(timer));
}

/** Ready is who has every critical part in order. */
export function toReady(subsystems: readonly SubsystemStatus[]): Ready {
  const ready = subsystems.every((subsystem) => subsystem.state === "ok" || !subsystem.critical);
  return { status: ready ? "ready" : "not_ready", subsystems: [...subsystems] };
}

/** The metrics listener, in Prometheus' text format 0.0.4. */
export function newMetricsRoutes({ metricsText }: { metricsText(): Promise<string> }): Hono {
  const app = new Hono();
  app.get(
    "/metrics",
    async () =>
      new Response(await metricsText(), { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } }),
  );
  return app;
}
