import { type Explanation, withoutReferences } from "../config/explain.ts";
import { redact } from "../telemetry/redact.ts";
import type { Caller } from "./caller.ts";
import type { ChannelView } from "./channels_api.ts";
import type { DeadLetterDetail } from "./dead_letters_api.ts";
import type { FoundView } from "./find_api.ts";
import type { PairingView } from "./people_api.ts";

// What lets one act is not for viewers: whoever scans an account's code has the account, whoever tells a person's code to
// an operator vouches for them.

/** What the caller may see of something with channels: a viewer no codes that link an account. */
export function toSeen<T extends { readonly channels: readonly ChannelView[] }>(
  all: T,
  { role }: Pick<Caller, "role">,
): Omit<T, "channels"> & { readonly channels: readonly ChannelView[] } {
  if (role === "operator") return all;
  return { ...all, channels: all.channels.map(({ pairing: _, ...channel }) => channel) };
}

/** What the caller may see of somebody who asked to be let in: a viewer no code. */
export function toSeenPerson(person: PairingView, { role }: Pick<Caller, "role">): PairingView {
  return role === "operator" ? person : { ...person, code: null };
}

/** What was found of a message: of one that no turn has sent, a viewer reads nothing, since such a one tells a code. */
export function toSeenFound(found: FoundView, { role }: Pick<Caller, "role">): FoundView {
  return role === "operator" || found.by !== "sent" || found.turnId !== null ? found : { ...found, text: "" };
}

/** A dead letter without the codes of those who wait: the message that tells a code can die too. */
export function toSeenLetter(
  letter: DeadLetterDetail,
  waiting: readonly Pick<PairingView, "code">[],
): DeadLetterDetail {
  const codes = waiting.flatMap(({ code }) => code ?? []);
  const blank = (value: unknown) => {
    if (typeof value !== "string") return value;
    return codes.reduce((text, code) => text.replaceAll(code, "[code]"), value);
  };
  if (codes.length === 0) return letter;
  return { ...letter, body: JSON.parse(JSON.stringify(letter.body), (_, value: unknown) => blank(value)) };
}

/** A setting in force: a viewer sees neither what stands for a reference in it, nor what looks like a key. */
export function toSeenSetting(setting: Explanation, { role }: Pick<Caller, "role">): Explanation {
  if (role === "operator") return setting;
  const { value } = withoutReferences(setting);
  return { ...setting, value: typeof value === "string" ? redact(value) : value };
}
