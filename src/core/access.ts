/** What the holder of a token may do: an `operator` everything, a `viewer` see. */
export const roles = ["operator", "viewer"] as const;
/** What the holder of a token may do. */
export type Role = (typeof roles)[number];

/** The name of whoever holds the root token: `admin.token` in the data folder, or `AGENT_ADMIN_TOKEN`. */
export const rootName = "root";

/** Names that no further token may have: the root token's, and those that the audit has for doors and the process itself. */
export const reservedNames: readonly string[] = [rootName, "console", "cli", "api", "gate", "clock"];
