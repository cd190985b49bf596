import { buildCommand } from "@stricli/core";
import type { PairingWhom } from "../http/people_api.ts";
import { buildGroup, data, json, limit, toAction, toCount, toDescription } from "./route_parts.ts";

const whom = {
  kind: "tuple",
  parameters: [{
    brief: "Code that they were given, or number of agent pair list",
    placeholder: "CODE",
    parse: toWhom,
  }],
} as const;

const pairingCodes = ["4 no such code or number", "5 it cannot be said about them", "3 too many wrong codes"];

/** `agent pair`. */
export const pairRoutes = buildGroup("Let people in, and link accounts", {
  list: buildCommand({
    loader: async () => toAction((await import("./pairings.ts")).listPeople),
    parameters: {
      flags: {
        state: {
          kind: "enum",
          values: ["pending", "approved", "denied", "revoked", "expired"],
          brief: "Only those who stand so; absent: all but expired",
          placeholder: "STATE",
          optional: true,
        },
        limit,
        before: {
          kind: "parsed",
          parse: toCount(1),
          brief: "Only numbers below this one",
          placeholder: "ID",
          optional: true,
        },
        data,
        json,
      },
    },
    docs: {
      brief: "List who asked to be let in, and what was said",
      fullDescription: toDescription("Newest first. Works without a running process too.", [
        "agent pair list",
        "agent pair list --state pending",
      ]),
    },
  }),
  approve: buildCommand({
    loader: async () => toAction((await import("./pairings.ts")).approvePerson),
    parameters: { flags: { data, json }, positional: whom },
    docs: {
      brief: "Let somebody in",
      fullDescription: toDescription(
        "By the code that they were given, or by number: so somebody who was denied or revoked is let in after all. Works without a running process too.",
        ["agent pair approve K7WNP3QD", "agent pair approve 12"],
        pairingCodes,
      ),
    },
  }),
  deny: buildCommand({
    loader: async () => toAction((await import("./pairings.ts")).denyPerson),
    parameters: { flags: { data, json }, positional: whom },
    docs: {
      brief: "Do not let somebody in: no answer, no further code",
      fullDescription: toDescription("Works without a running process too.", [
        "agent pair deny K7WNP3QD",
        "agent pair deny 12",
      ], pairingCodes),
    },
  }),
  revoke: buildCommand({
    loader: async () => toAction((await import("./pairings.ts")).revokePerson),
    parameters: {
      flags: { data, json },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Number of agent pair list", placeholder: "ID", parse: toCount(1) }],
      },
    },
    docs: {
      brief: "Let somebody in no longer",
      fullDescription: toDescription(
        "Holds at once, also for messages that wait. People of allow_from are in the config. Works without a running process too.",
        ["agent pair revoke 12"],
        ["4 no such number", "5 they are not let in"],
      ),
    },
  }),
  whatsapp: buildCommand({
    loader: async () => toAction((await import("./pair.ts")).pairWhatsApp),
    parameters: {
      flags: {
        anew: {
          kind: "boolean",
          brief: "Forget the account that it is linked with, and link another one",
          default: false,
          withNegated: false,
        },
        data,
      },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Instance, as the config names it", placeholder: "INSTANCE", parse: String }],
      },
    },
    docs: {
      brief: "Link a WhatsApp account: show its QR code until the phone has scanned it",
      fullDescription: toDescription(
        "Shows the QR code, or the code to type, of an instance that waits to be linked, and each one that takes its place. One that has stopped is started again first.",
        ["agent pair whatsapp sales", "agent pair whatsapp sales --anew"],
        ["0 it is linked", "4 no such instance", "6 not running, or the account cannot be linked"],
      ),
    },
  }),
});

/** Numbers have no letters, codes do. */
function toWhom(input: string): PairingWhom {
  return /^\d+$/.test(input) ? { id: Number(input) } : { code: input };
}
