import type { Context } from "hono";

/** Through which door somebody came who may use the admin API. */
export type Door = "console" | "cli" | "api";

/** Writes down who did what. */
export type NoteDown = (
  entry: { readonly actor: Door; readonly action: string; readonly target: string },
) => Promise<void>;

/** Name by which the command line makes itself known. It proves nothing: whoever holds the token may use any door. */
export const cliAgent = "nexo-cli";

/** The door of a request that the login guard has let in. */
export function toDoor({ req }: Context): Door {
  if (req.header("authorization") === undefined) return "console";
  return req.header("user-agent") === cliAgent ? "cli" : "api";
}
