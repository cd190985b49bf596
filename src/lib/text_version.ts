/** A short name of a text, by its content: whoever edits it says which one the edit was made from. */
export async function toTextVersion(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex().slice(0, 16);
}
