/** Colours words, or leaves them as they are. */
export interface Ink {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

/** Makes an {@linkcode Ink}. Without `color` every text stays as it is. */
export function newInk(color: boolean): Ink {
  const paint = (code: number) => (text: string) => color && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { bold: paint(1), dim: paint(2), good: paint(32), warn: paint(33), bad: paint(31) };
}
