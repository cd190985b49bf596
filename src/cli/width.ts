/** Columns that a terminal gives `text`: East Asian wide letters and emoji take two, marks on a letter none. */
export function widthOf(text: string): number {
  let width = 0;
  // deno-lint-ignore no-control-regex -- colours take no column
  for (const letter of text.replace(/\x1b\[[0-9;]*m/g, "")) {
    if (/\p{Mark}|\u200d/u.test(letter)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
          .test(letter)
        ? 2
        : 1;
  }
  return width;
}
