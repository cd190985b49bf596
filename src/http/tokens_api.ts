import { z } from "zod";
import { roles } from "../core/access.ts";

/** What the holder of a token may do: an `operator` everything, a `viewer` see. */
export const roleSchema = z.enum(roles);

/** The token once more: a browser's session alone makes nothing that outlives it and lets nothing run. */
export const tokenAgainSchema = z.string().max(1_000).optional();

/** Answer of `GET /api/me`: who asks. */
export const meSchema = z.object({
  /** The token's name; `root` for the root token. */
  name: z.string(),
  role: roleSchema,
  /** ISO 8601 UTC, when the token expires; absent for the root token. */
  expiresAt: z.string().optional(),
});
/** Who asks. */
export type Me = z.output<typeof meSchema>;

/** A token, as lists show it. */
export const tokenViewSchema = z.object({
  id: z.number().int(),
  /** As the audit names whoever holds it. */
  name: z.string(),
  role: roleSchema,
  /** Only a `live` one is taken. */
  state: z.enum(["live", "expired", "revoked"]),
  /** ISO 8601 UTC. */
  createdAt: z.string(),
  createdBy: z.string(),
  /** ISO 8601 UTC. */
  expiresAt: z.string(),
  /** ISO 8601 UTC, to within some minutes. */
  lastUsedAt: z.string().nullable(),
  /** ISO 8601 UTC. */
  revokedAt: z.string().nullable(),
});
/** A token, as lists show it. */
export type TokenView = z.output<typeof tokenViewSchema>;
/** Answer of `GET /api/tokens`, newest first. */
export const tokensAnswerSchema = z.object({ items: z.array(tokenViewSchema) });

/** Longest life of a token, milliseconds: ten years. */
const maxLifeMs = 3_653 * 86_400_000;

/** What a token is made from. */
export const tokenRequestSchema = z.strictObject({
  /** Stands in the audit: letters, digits, `.`, `_`, `@` and `-`. */
  name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,59}$/u, "write 1 to 60 letters, digits or . _ @ -"),
  role: roleSchema,
  /** How long it is taken, milliseconds. */
  expiresInMs: z.number().int().min(1_000, "write at least a second").max(maxLifeMs, "write at most 3653d"),
});
/** What a token is made from. */
export type TokenRequest = z.output<typeof tokenRequestSchema>;
/** Body of `POST /api/tokens`. */
export const tokenCreateSchema = tokenRequestSchema.extend({ token: tokenAgainSchema });
/** Answer of `POST /api/tokens`: the token's text is nowhere else, and never shown again. */
export const tokenCreatedSchema = tokenViewSchema.extend({ text: z.string() });
/** A token with its text. */
export type TokenCreated = z.output<typeof tokenCreatedSchema>;

/** Path of `POST /api/tokens/:id/revoke`. */
export const tokenIdSchema = z.object({ id: z.coerce.number().int().positive() });

/** Body of `POST /api/tokens/root/rotate`. */
export const rootRotateSchema = z.strictObject({ token: tokenAgainSchema });
/** Answer of `POST /api/tokens/root/rotate`: the new root token. */
export const rootRotatedSchema = z.object({ text: z.string() });

/** A browser that is logged in. */
export const loginViewSchema = z.object({
  id: z.number().int(),
  /** The name of the token that it logged in with. */
  name: z.string(),
  role: roleSchema,
  /** ISO 8601 UTC. */
  loggedInAt: z.string(),
  /** ISO 8601 UTC. */
  lastSeenAt: z.string(),
  /** Whether it is the browser that asks. */
  current: z.boolean(),
});
/** A browser that is logged in. */
export type LoginView = z.output<typeof loginViewSchema>;
/** Answer of `GET /api/logins`, newest first. */
export const loginsAnswerSchema = z.object({ items: z.array(loginViewSchema) });
/** Body of `POST /api/logins/end`: one of them; absent: all, the one that asks too. */
export const loginsEndSchema = z.strictObject({ id: z.number().int().positive().optional() });
/** Answer of `POST /api/logins/end`. */
export const loginsEndedSchema = z.object({ count: z.number().int() });
