/**
 * Text of others where a model or an operator reads it: bounded, and without what the eye does not see: control
 * characters, zero-width and direction marks, and Unicode tags, all of which can hide orders from the operator.
 */
export function toShownText(text: string, bound: number): string {
  const visible = text.slice(0, 4 * bound).replace(/[^\P{C}\n\t]|\p{Cf}/gu, "").trim();
  return visible.length > bound ? `${visible.slice(0, bound)}…` : visible;
}
