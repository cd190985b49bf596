import { buildCommand } from "@stricli/core";
import { roles } from "../core/access.ts";
import { buildGroup, data, json, toAction, toCount, toDescription, toDurationMs } from "./route_parts.ts";

/** `agent token`. */
export const tokenRoutes = buildGroup("Tokens for the console and the API, by role and with an end", {
  list: buildCommand({
    loader: async () => toAction((await import("./tokens.ts")).listTokens),
    parameters: { flags: { data, json } },
    docs: {
      brief: "List tokens: whose, for what, until when, last used",
      fullDescription: toDescription(
        "Newest first. The tokens themselves are nowhere: only their hashes are kept. Works without a running process too.",
        ["agent token list", "agent token list --json | jq '.items[] | select(.state == \"live\") | .name'"],
      ),
    },
  }),
  create: buildCommand({
    loader: async () => toAction((await import("./tokens.ts")).createToken),
    parameters: {
      flags: {
        role: {
          kind: "enum",
          values: roles,
          brief: "What its holder may do: an operator everything, a viewer see",
          placeholder: "ROLE",
          default: "viewer",
        },
        expires: {
          kind: "parsed",
          parse: toDurationMs,
          brief: "How long it is taken: 12h, 30d, up to 3653d",
          placeholder: "TIME",
          default: "90d",
        },
        data,
        json,
      },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Whose it is: the audit names them so", placeholder: "NAME", parse: String }],
      },
    },
    docs: {
      brief: "Make a token for somebody, or for a program",
      fullDescription: toDescription(
        "Prints the token, this once. Its holder logs in at the console with it, or sends it as Authorization: Bearer TOKEN. Works without a running process too.",
        [
          "agent token create eva --role viewer --expires 30d",
          "agent token create eva --role operator --expires 12h",
          "agent token create grafana --json | jq -r .text > grafana.token",
        ],
        ["2 no such role, name or time", "5 the name is taken"],
      ),
    },
  }),
  revoke: buildCommand({
    loader: async () => toAction((await import("./tokens.ts")).revokeToken),
    parameters: {
      flags: { data, json },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Number of agent token list", placeholder: "ID", parse: toCount(1) }],
      },
    },
    docs: {
      brief: "End a token for good",
      fullDescription: toDescription(
        "Holds at once, also for browsers that are logged in with it. Works without a running process too.",
        ["agent token revoke 3"],
        ["4 no such number", "5 it was revoked before"],
      ),
    },
  }),
  rotate: buildCommand({
    loader: async () => toAction((await import("./tokens.ts")).rotateRootToken),
    parameters: { flags: { data, json } },
    docs: {
      brief: "Put a new root token into the place of the old one",
      fullDescription: toDescription(
        "Writes admin.token in the data folder. The old one ends at once, with the browsers that are logged in with it; other tokens go on. Works without a running process too.",
        ["agent token rotate", "agent token rotate --data /var/lib/nexo"],
        ["5 the root token comes from AGENT_ADMIN_TOKEN"],
      ),
    },
  }),
}, "list");
