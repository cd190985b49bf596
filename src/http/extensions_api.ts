import { z } from "zod";

const texts = z.array(z.string()).readonly();

/** An extension, as lists show it. */
export const extensionViewSchema = z.object({
  id: z.string(),
  version: z.string(),
  description: z.string(),
  author: z.string(),
  folder: z.string(),
  transport: z.enum(["stdio", "nats", "unknown"]),
  installed: z.boolean(),
  enabled: z.boolean(),
  /** `off`: it is not enabled, or must not run. `down`: it was given up. */
  state: z.enum(["off", "starting", "up", "degraded", "restarting", "down"]),
  /** A sentence with the remedy. Always there when the state is not `up`. */
  reason: z.string().exactOptional(),
  /** What holds it back; absent while nothing runs, and for one that is not started by us. */
  confinement: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("deno") }),
    z.object({ kind: z.literal("bubblewrap") }),
    z.object({ kind: z.literal("unconfined"), reason: z.string() }),
  ]).exactOptional(),
  /** Name of the trusted key that has signed its archive. */
  signedBy: z.string().exactOptional(),
  /** SHA-256 of its content: enabling names what was seen. */
  hash: z.string().exactOptional(),
  /** Names of its tools, as agents call them. */
  tools: texts,
  hooks: texts,
  /** What it asks for, in words. */
  permissions: texts,
  restarts: z.number().int(),
});
/** An extension, as lists show it. */
export type ExtensionView = z.output<typeof extensionViewSchema>;
/** Answer of `GET /api/extensions`. */
export const extensionsAnswerSchema = z.object({ extensions: z.array(extensionViewSchema).readonly() });

/** Body of `POST /api/extensions/:id/enable`. */
export const extensionEnableSchema = z.strictObject({
  /** Under which its permissions were shown. */
  hash: z.string().min(1).max(200),
  /** The admin token once more: a browser's session alone lets nothing run. */
  token: z.string().max(1_000).optional(),
});
/** Answer of `POST /api/extensions/:id/enable` and `/disable`. */
export const extensionChangedSchema = z.object({ ok: z.literal(true) });
