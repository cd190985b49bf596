/** A secret in a text. */
export interface FoundSecret {
  /** From 1. */
  readonly line: number;
  /** What it looks like, in words. */
  readonly what: string;
}

/** Shapes that providers give their keys so that they can be told from words. Each is bounded: no text takes long. */
const shapes: readonly (readonly [what: string, shape: RegExp])[] = [
  ["a private key", /-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----/],
  ["an age key", /\bAGE-SECRET-KEY-1[0-9A-Z]{50,}/],
  ["an AWS key", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ["a GitHub token", /\b(?:gh[pousr]_\w{30,}|github_pat_\w{40,})/],
  ["a GitLab token", /\bgl(?:pat|ptt|dt|rt|cbt)-[\w-]{20,}/],
  ["a Slack token", /\bxox[abeoprs]-[\w-]{10,}/],
  ["a Slack webhook", /\bhooks\.slack\.com\/services\/[\w/]{20,}/],
  ["a Stripe key", /\b[sr]k_(?:live|test)_\w{16,}/],
  ["a Google key", /\bAIza[\w-]{35}/],
  ["a Google OAuth token", /\b(?:ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|1\/\/0[\w-]{30,})/],
  ["an API key", /\b(?:sk|rk)-(?:[a-z0-9]+-)?[\w-]{20,}/],
  ["an API key", /\b(?:gsk_|xai-|pplx-|r8_|hf_)\w{30,}/],
  ["a Telegram bot token", /\b\d{8,12}:[\w-]{35}\b/],
  ["a Discord token", /\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,40}\b/],
  ["an npm token", /\bnpm_\w{36}\b/],
  ["a PyPI token", /\bpypi-[\w-]{50,}/],
  ["a SendGrid key", /\bSG\.[\w-]{16,32}\.[\w-]{32,64}/],
  ["a Twilio key", /\bSK[0-9a-f]{32}\b/],
  ["a DigitalOcean token", /\bdo[opr]_v1_[0-9a-f]{64}\b/],
  ["a Shopify token", /\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b/],
  ["a JSON Web Token", /\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10,}/],
  ["a password in an address", /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/]{1,100}:[^\s:@/]{3,200}@[\w.-]/i],
  [
    "a named secret",
    /\b(?:api[_-]?key|secret|secret[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|password|passwd)["']?\s{0,4}[:=]\s{0,4}["']?(?=[\w+/.=-]{0,200}\d)(?=[\w+/.=-]{0,200}[A-Za-z])[\w+/.=-]{20,}/i,
  ],
];

/** A shorter known value would be found in words that have nothing to do with it. */
const shortestKnown = 8;

/**
 * Finds the first line of `text` that holds a secret: something with the shape of one, or a value of `known`.
 *
 * @param known Values that are secret for certain, such as those of the config. Ones below 8 characters are not looked for.
 */
export function findSecret(text: string, known: readonly string[]): FoundSecret | undefined {
  const values = known.filter((value) => value.length >= shortestKnown);
  // A value may have several lines; the shapes have one.
  const value = values.map((one) => text.indexOf(one)).filter((at) => at >= 0).toSorted((one, other) => one - other)[0];
  const ofValue = value === undefined
    ? undefined
    : { line: lineAt(text, value), what: "a secret of this runtime's own config" };
  const ofShape = findShape(text);
  if (ofValue === undefined || ofShape === undefined) return ofValue ?? ofShape;
  return ofShape.line < ofValue.line ? ofShape : ofValue;
}

function findShape(text: string): FoundSecret | undefined {
  let first: { readonly at: number; readonly what: string } | undefined;
  for (const [what, shape] of shapes) {
    const at = shape.exec(text)?.index;
    if (at !== undefined && (first === undefined || at < first.at)) first = { at, what };
  }
  return first === undefined ? undefined : { line: lineAt(text, first.at), what: first.what };
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
