/**
 * Makes what others wrote harmless to a terminal: control characters, which could move the cursor, rename the window or
 * answer in the user's name, become visible signs, and so do those that turn the direction of writing. Line ends and
 * tabs stay. Looks at each character alone, so that a sequence cut in two by a stream is harmless too.
 */
export function toPlain(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(/[\p{Cc}\p{Bidi_Control}]/gu, (char) => {
    if (char === "\n" || char === "\t") return char;
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(firstControlPicture + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** {@linkcode toPlain} on one line of at most `max` characters, a longer one with an ellipsis at its end. */
export function toPlainLine(text: string, max: number): string {
  const letters = [...toPlain(text.slice(0, max * 4).replace(/\s+/g, " ").trim())];
  return letters.length <= max ? letters.join("") : `${letters.slice(0, max - 1).join("").trimEnd()}…`;
}

/** Unicode has a sign for each of the first 32 control characters, from here on. */
const firstControlPicture = 0x2400;
