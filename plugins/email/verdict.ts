import type { Mail } from "./mail.ts";

/** What the receiving server found out about a mail's sender. */
export interface Verdict {
  /** The domain of the author stands behind the mail (DMARC). */
  readonly verified: boolean;
  /** One line for the reader. */
  readonly text: string;
}

/**
 * Reads the `Authentication-Results` (RFC 8601) that the server `authservId` wrote. Headers of other names may be the
 * sender's own work, and so may all of them where the name is not known.
 */
export function toVerdict(mail: Pick<Mail, "header">, authservId: string | undefined): Verdict {
  if (authservId === undefined) return { verified: false, text: "not checked" };
  const own = mail.header("authentication-results").find((value) => toServerName(value) === authservId);
  if (own === undefined) return { verified: false, text: `not checked by ${authservId}` };
  const results = new Map<string, string>();
  for (
    const [, method = "", result = ""] of withoutComments(own).matchAll(/;\s*(spf|dkim|dmarc)\s*=\s*([a-z]{1,20})/gi)
  ) {
    // One good signature of several is enough.
    if (results.get(method.toLowerCase()) !== "pass") results.set(method.toLowerCase(), result.toLowerCase());
  }
  const verified = results.get("dmarc") === "pass";
  const words = [...results].map(([method, result]) => `${method}=${result}`).join(", ");
  return { verified, text: `${verified ? "verified" : "not verified"} by ${authservId}${words && ` (${words})`}` };
}

function toServerName(value: string): string {
  return withoutComments(value).split(";")[0]?.trim().split(/\s/)[0]?.toLowerCase() ?? "";
}

function withoutComments(value: string): string {
  let depth = 0;
  let out = "";
  for (const char of value) {
    if (char === "(") depth++;
    else if (char === ")") depth = Math.max(0, depth - 1);
    else if (depth === 0) out += char;
  }
  return out;
}
