/** Compares a secret with what somebody gave, in a time that depends on `expected` alone. */
export function isSameText(given: string, expected: string): boolean {
  const [left, right] = [toBytes(given), toBytes(expected)];
  let difference = left.length ^ right.length;
  for (let index = 0; index < right.length; index++) difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  return difference === 0;
}

function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
