/**
 * Text of a server where a model or an operator reads it: bounded, and without what the eye does not see: control
 * characters, zero-width and direction marks, and Unicode tags, all of which can hide orders from the operator.
 */
export function toShownText(text: string, bound: number): string {
  const visible = text.slice(0, 4 * bound)
    // deno-lint-ignore no-control-regex -- control characters are what is to be taken out
    .replace(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/gu,
      "",
    )
    .trim();
  return visible.length > bound ? `${visible.slice(0, bound)}…` : visible;
}
