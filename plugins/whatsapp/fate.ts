/** What to do after a connection has ended. */
export interface Fate {
  /** `again`: at once. `retry`: after a while. */
  readonly kind: "again" | "retry" | "pair_anew" | "stop";
  /** A sentence for the operator. */
  readonly reason: string;
}

/**
 * What the status code that a connection ended with asks for. Logging in again with credentials that were refused only
 * makes WhatsApp close the account.
 */
export function toFate(code: number, isPaired: boolean): Fate {
  switch (code) {
    // After a pairing WhatsApp wants the device to come back with its new name.
    case 515:
      return { ...retry(code), kind: "again" };
    case 401:
      return isPaired ? { kind: "pair_anew", reason: "not paired: the phone has removed this device" } : retry(code);
    case 403:
      return {
        kind: "stop",
        reason: "WhatsApp has closed this account (403). Link another one: agent pair whatsapp INSTANCE --anew",
      };
    case 405:
      return { kind: "stop", reason: "WhatsApp does not take this version of the plugin any more (405). Update nexo" };
    case 411:
      return {
        kind: "stop",
        reason:
          "The phone does not allow linked devices (411). Update WhatsApp on it, then: agent pair whatsapp INSTANCE",
      };
    case 440:
      return {
        kind: "stop",
        reason: "Another program uses the credentials of this account (440). Stop it, then: agent pair whatsapp " +
          "INSTANCE. Or link anew: agent pair whatsapp INSTANCE --anew",
      };
    default:
      return retry(code);
  }
}

function retry(code: number): Fate {
  return { kind: "retry", reason: `The connection to WhatsApp ended (${code}); it is made again by itself` };
}
