import { z } from "zod";
import { address, deadline, duration } from "./scalars.ts";

/** `runtime.yaml`. */
export const runtimeFileSchema = z.strictObject({
  http: z.strictObject({
    health: address.default("0.0.0.0:8080").describe("/health and /ready. AGENT_HEALTH_ADDR wins."),
    metrics: address.default("127.0.0.1:9090").describe("/metrics. AGENT_METRICS_ADDR wins."),
    admin: address.default("127.0.0.1:9091").describe("Console and APIs, behind a token. AGENT_ADMIN_ADDR wins."),
    allowed_hosts: z.array(z.string().min(1)).default([]).describe(
      "Host names besides loopback under which the admin listener may be asked for (a reverse proxy's).",
    ),
    max_body_bytes: z.number().int().positive().default(10_000_000).describe("Larger request bodies are refused."),
  }).prefault({}).describe("The three listeners. Port 0 takes a free one."),
  reload: z.strictObject({
    enabled: z.boolean().default(true).describe("Whether changed files are picked up live."),
    debounce: duration.default(300).describe("Quiet time after the last change before files are read."),
  }).prefault({}).describe("Config changes while running."),
  limits: z.strictObject({
    max_parallel_turns: z.number().int().min(1).max(10_000).default(64).describe("Turns that run at the same time."),
    max_waiting_messages: z.number().int().min(1).default(10_000).describe(
      "Accepted messages not yet answered before intake pauses.",
    ),
    max_ledger_bytes: z.number().int().min(1_000_000).optional().describe(
      "The ledger file may grow to this; then intake pauses. Absent: the disk's size.",
    ),
    max_turn_starts: z.number().int().min(1).default(10).describe(
      "A message whose turns ended the process this often becomes a dead letter.",
    ),
  }).prefault({}).describe("Bounds. At a bound intake pauses; nothing is dropped."),
  retention: z.strictObject({
    finished: duration.default(30 * 86_400_000).describe(
      "How long finished inbox, outbox and journal rows are kept (dedupe works that long).",
    ),
    audit: duration.default(365 * 86_400_000).describe(
      "How long it is kept who did what, and which tokens there were.",
    ),
  }).prefault({}).describe("What is swept away, and when."),
  shutdown: z.strictObject({
    budget: duration.default(20_000).describe("How long running turns may finish; the rest resumes at the next start."),
  }).prefault({}).describe("What SIGTERM means."),
  outbound: z.strictObject({
    max_age: deadline.default(86_400_000).describe(
      "A reply that could not be sent for this long becomes a dead letter.",
    ),
    unknown_send: z.enum(["resend", "hold"]).default("resend").describe(
      "A send whose answer was lost in a crash: send again, or leave it to the operator as a dead letter.",
    ),
  }).prefault({}).describe("How replies go out."),
  log: z.strictObject({
    level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("What is written."),
    format: z.enum(["auto", "pretty", "json"]).default("auto").describe(
      "`auto`: pretty on a terminal, JSON lines elsewhere.",
    ),
    redact: z.boolean().default(true).describe("Blank out what looks like a key, a token or a home folder."),
  }).prefault({}).describe("Logs on standard error."),
});
/** `runtime.yaml`, as parsed. */
export type RuntimeConfig = z.output<typeof runtimeFileSchema>;
