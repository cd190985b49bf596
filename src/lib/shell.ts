/** Writes a word so that a shell takes it for one, whatever is in it. */
export function toShellWord(text: string): string {
  return /^[\w@%+=:,./-][\w@%+=:,./~-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
