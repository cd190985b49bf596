import type { Context } from "hono";
import { callerOf } from "./caller.ts";

/** Writes down who did what. */
export type NoteDown = (
  entry: { readonly actor: string; readonly action: string; readonly target: string },
) => Promise<void>;

/** Name by which the command line makes itself known. It proves nothing: whoever holds the token may use any door. */
export const cliAgent = "nexo-cli";

/** Whom the audit names: a token's name. Of the root token, what it came through: `root` in a browser, `cli` or `api`. */
export function toActor(context: Context): string {
  const { name, tokenId } = callerOf(context);
  if (tokenId !== undefined || !hasToken(context)) return name;
  return context.req.header("user-agent") === cliAgent ? "cli" : "api";
}

/** Whether a request brings a token itself, rather than the cookie of a browser that is logged in. */
export function hasToken({ req }: Context): boolean {
  return req.header("authorization") !== undefined;
}
