/**
 * 32-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) as eight hexadecimal digits: short, and the same everywhere.
 * Nothing secret may depend on it.
 */
export function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
