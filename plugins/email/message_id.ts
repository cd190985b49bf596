import { createHash } from "node:crypto";

/** Every message id in a header's value, in order, without the angle brackets: RFC 5322, section 3.6.4. */
export function parseMessageIds(value: string): readonly string[] {
  // deno-lint-ignore no-control-regex -- control characters are what an id must not have
  return [...value.matchAll(/<([^<>\s\u0000-\u001f\u007f]{1,400})>/g)].map(([, id = ""]) => id);
}

/** Hexadecimal digest of texts or bytes, `length` characters of it. */
export function toDigest(length: number, ...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  // A separator, so that texts which only together are equal stay apart.
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, length);
}
