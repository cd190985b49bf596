/**
 * A secret that stands in a file of the config itself, behind the name of its setting. References such as `${NAME}` are
 * none, nor is `none`, and a comment is not looked at.
 */
const plainSecret =
  /^([^#\n]*?\b(?:api_key|token|password|client_secret|refresh_token)["']?\s*:\s*)(?!["']?\$\{)(?!["']?none\b)(["']?[^\s,}#"']+["']?)/gm;

/** The text with a sign in the place of each such secret. */
export function hidePlainSecrets(text: string): string {
  return text.replace(plainSecret, "$1…");
}

/** Lines, counted from 1, with such a secret. */
export function findPlainSecrets(text: string): readonly number[] {
  return [...text.matchAll(plainSecret)].map(({ index }) => text.slice(0, index).split("\n").length);
}
