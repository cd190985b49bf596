import type { Context } from "hono";
import type { Role } from "../core/access.ts";
import { AppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";

/** Somebody who was let in. */
export interface Caller {
  /** Name of their token; `root` for the root token. */
  readonly name: string;
  readonly role: Role;
  /** Number of their token; absent for the root token. */
  readonly tokenId?: number;
  /** ISO 8601 UTC; absent for the root token. */
  readonly expiresAt?: string;
  /** The root token as it was when they came; absent for other tokens. */
  readonly root?: Secret;
  /** Key of their login; absent for programs. */
  readonly login?: string;
}

const key = "caller";

/** Says who asks, once that is known. */
export function setCaller(context: Context, caller: Caller): void {
  context.set(key, caller);
}

/** Who asks. Only for routes behind a guard. */
export function callerOf(context: Context): Caller {
  const caller: Caller | undefined = context.get(key);
  if (caller === undefined) throw new AppError("bug", "No guard stands before this route");
  return caller;
}
