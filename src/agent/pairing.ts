import type { Clock } from "../core/clock.ts";
import type { Ledger, LedgerReader, Statement } from "../core/ledger.ts";
import type { Inbound } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { InboundEvent } from "../core/topics.ts";
import { writeAudit } from "../ledger/audit.ts";
import { expireCodes, forgetExpired, giveCode, isSweepDue, readPairing, toPairingTarget } from "../ledger/pairing.ts";
import { type Bucket, newBucket } from "../resilience/bucket.ts";
import type { Policy } from "./policy.ts";

/** Why somebody is turned away whom the config does not name. `sender_unknown` may be offered a code. */
export type PairingRefusal =
  | "sender_not_allowed"
  | "sender_unverified"
  | "sender_denied"
  | "sender_revoked"
  | "pairing_pending"
  | "sender_unknown";

/** A code for somebody unknown. */
export interface Offer {
  /** To be committed in one unit with the message that tells the code. */
  readonly statements: readonly Statement[];
  /** What the person is told. */
  readonly text: string;
  /** Milliseconds since the epoch, when the code ends. */
  readonly expiresAtMs: number;
}

/** Decides about those whom the config does not name: who asked for a code, and what the operator said. */
export interface Pairing {
  /**
   * Why the sender of a message is not answered; `undefined` where the operator has let them in.
   *
   * @throws where the ledger cannot be read: nobody is let in then.
   */
  findRefusal(policy: Policy, event: InboundEvent): PairingRefusal | undefined;
  /** A code for the sender of a message; `undefined` while too many get one on that instance. */
  offer(policy: Policy, event: InboundEvent): Offer | undefined;
  /** Ends codes whose time is over, and forgets those who never came back. */
  sweep(): Promise<void>;
}

/** A code can be used for an hour. */
const codeMs = 3_600_000;
/** Somebody whose code ended is forgotten after a day. */
const forgetMs = 86_400_000;
/**
 * Codes for one instance: enough that a crowd does not lock anybody out, few enough that a flood makes no flood of
 * answers. Whoever comes while there is none left gets one with their next message.
 */
const codeRate = { rps: 0.2, burst: 100 } as const;
/** No letters and digits that look alike. */
const alphabet = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const codeLength = 8;

/** Makes the {@linkcode Pairing} of all agents. */
export function newPairing(
  { ledger, metrics, clock }: {
    readonly ledger: Pick<Ledger, "commit" | "read">;
    readonly metrics: Metrics;
    readonly clock: Clock;
  },
): Pairing {
  const buckets = new Map<string, Bucket>();

  const mayGiveCode = (plugin: string, instance: string): boolean => {
    const key = `${plugin}.${instance}`;
    const bucket = buckets.get(key) ?? newBucket({ ...codeRate, clock });
    buckets.set(key, bucket);
    return bucket.tryTake().ok;
  };

  return {
    findRefusal({ agent, binding }, { plugin, instance, message }) {
      const states = readStates(ledger.read, { agent: agent.id, plugin, instance }, message.sender, clock.now());
      // One person may have been met under two ids: no is the stronger word.
      if (states.has("denied")) return "sender_denied";
      if (states.has("revoked")) return "sender_revoked";
      if (states.has("approved")) return undefined;
      if (states.has("pending")) return "pairing_pending";
      if (binding?.pairing !== true || message.isGroup) return "sender_not_allowed";
      // An answer to a forged address would go to somebody who never wrote.
      return message.untrusted === true ? "sender_unverified" : "sender_unknown";
    },
    offer({ agent, binding }, { plugin, instance, message }) {
      if (binding === undefined || !mayGiveCode(plugin, instance)) return undefined;
      const nowMs = clock.now();
      const expiresAtMs = nowMs + codeMs;
      const key = { agent: agent.id, plugin, instance, sender: message.sender.id };
      const code = newCode();
      return {
        statements: [
          ...expireCodes(nowMs).map(({ sql, values }) => ({ sql, values })),
          giveCode(key, { name: toName(message.sender), code }, nowMs, expiresAtMs),
          writeAudit({
            actor: "gate",
            action: "pairing.code_given",
            agent: agent.id,
            target: toPairingTarget(key),
          }, nowMs),
        ],
        text: binding.pairing_text.replaceAll("{code}", code),
        expiresAtMs,
      };
    },
    async sweep() {
      const nowMs = clock.now();
      const beforeMs = nowMs - forgetMs;
      if (!isSweepDue(ledger.read, nowMs, beforeMs)) return;
      const [, expired = []] = await ledger.commit([...expireCodes(nowMs), forgetExpired(beforeMs)]);
      for (const { plugin, instance } of expired) {
        const labels = { plugin: String(plugin), instance: String(instance), event: "expired" };
        metrics.count("nexo_pairing_total", labels);
      }
    },
  };
}

function readStates(
  read: LedgerReader,
  place: { readonly agent: string; readonly plugin: string; readonly instance: string },
  { id, aliases = [] }: Inbound["sender"],
  nowMs: number,
): ReadonlySet<string | undefined> {
  return new Set([id, ...aliases].map((sender) => readPairing(read, { ...place, sender }, nowMs)?.state));
}

function toName({ name, handle }: Inbound["sender"]): string {
  return [name, handle && `@${handle}`].filter(Boolean).join(" ").slice(0, 200);
}

/** Each sign is as likely as every other. There is a letter in it, so that it is not taken for a number. */
function newCode(): string {
  let code = "";
  while (code.length < codeLength) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < 256 - 256 % alphabet.length) code += alphabet.charAt(byte % alphabet.length);
  }
  return /[A-Z]/.test(code) ? code : newCode();
}
