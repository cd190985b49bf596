import { z } from "zod";
import { parseDuration } from "../lib/duration.ts";
import { newSecret, type Secret } from "../core/secret.ts";

/** A duration such as `30s`, `5m` or `24h`; becomes milliseconds. */
export const duration = z.string().transform((text, context): number => {
  const ms = parseDuration(text);
  if (ms === undefined) {
    context.addIssue({ code: "custom", message: "is no duration; write it as 30s, 5m, 24h or 7d" });
    return z.NEVER;
  }
  return ms;
}).meta({ unit: "duration" });

/** How long something may take. */
export const deadline = duration.refine((ms) => ms > 0, "leaves no time; write it as 30s or 5m");

/** An id: part of subjects, file names and labels. */
export const idText = z.string().regex(
  /^[a-z0-9][a-z0-9_-]{0,62}$/,
  "must be 1 to 63 lower-case letters, digits, - or _, beginning with a letter or digit",
);

/** A value that must not be seen. Becomes a `Secret`. */
export const secretText = z.string().transform((text): Secret => newSecret(text)).meta({ secret: true });

/** `host:port`; port 0 takes a free one. */
export const address = z.string().regex(
  /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/,
  'must be "host:port", such as "127.0.0.1:9091"',
).refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "has a port above 65535");

/** Events a second, with a burst. */
export const rate = z.strictObject({
  rps: z.number().positive().describe("Events a second, on average."),
  burst: z.number().int().positive().default(5).describe("How many may come at once."),
});
