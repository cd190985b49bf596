/** What looks like a credential wherever it stands in a text. One pattern, so that a text is read once. */
const credential = new RegExp(
  [
    String.raw`\b(?:bearer|basic)\s+[\w.~+/=-]{8,}`,
    String.raw`\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?`, // JSON Web Token
    String.raw`\b(?:sk|pk|rk|xox[abprs])-[\w-]{16,}`, // OpenAI, Anthropic and DeepSeek; Slack
    String.raw`\bnexo_[\w-]{43}`, // tokens of ours
    String.raw`\bgh[pousr]_\w{20,}`, // GitHub
    String.raw`\bAIza[\w-]{35}`, // Google
    String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`, // AWS
    String.raw`\d{5,12}:[\w-]{35}`, // Telegram bot; no \b before it: in URLs it follows "bot"
    String.raw`\b[0-9a-f]{64}\b`, // 256 bits in hex: webhook secrets
    String.raw`(?<=://)[^\s/:@]*:[^\s/@]+(?=@)`, // user:password@host
    String.raw`(?<=[?&](?:key|api_key|token|access_token|secret|password)=)[^&\s]+`,
  ].join("|"),
  "gi",
);

const homeFolder = /(?:\/home\/|\/Users\/|[A-Z]:\\Users\\)[^\s/\\:"']+|\/root(?=\/|$)/g;

/** Shorter than the shortest thing that either pattern finds. */
const shortestMatch = "/root".length;

/** Blanks out what looks like a key or a token, and writes home folders as `~`. */
export function redact(text: string): string {
  if (text.length < shortestMatch) return text;
  return text.replace(credential, "[redacted]").replace(homeFolder, "~");
}
