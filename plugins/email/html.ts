/** Elements whose content nobody sees. */
const unseen: ReadonlySet<string> = new Set(["script", "style", "head", "title", "template", "noscript", "svg"]);
/** Elements that begin and end a line. */
const blocks: ReadonlySet<string> = new Set(
  ("address article aside blockquote br dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p " +
    "pre section table tr ul").split(" "),
);

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ndash: "–",
  mdash: "—",
  hellip: "…",
  euro: "€",
  copy: "©",
};

/**
 * The words of an HTML mail as plain text; links keep their addresses. Goes through the text once, so that no page can
 * be made that takes long.
 */
export function htmlToText(html: string): string {
  let out = "";
  let href: string | undefined;
  for (let at = 0; at < html.length;) {
    const open = html.indexOf("<", at);
    const words = html.slice(at, open < 0 ? html.length : open);
    out += decodeEntities(words.replace(/\s+/g, " "));
    if (open < 0) break;
    if (html.startsWith("<!--", open)) {
      at = after(html, "-->", open + 4);
      continue;
    }
    const end = html.indexOf(">", open);
    if (end < 0) break;
    const tag = html.slice(open + 1, end);
    const name = /^\/?([a-z][a-z0-9]*)/i.exec(tag)?.[1]?.toLowerCase() ?? "";
    at = end + 1;
    if (unseen.has(name) && !tag.startsWith("/") && !tag.endsWith("/")) at = afterClosing(html, name, at);
    else if (name === "a" && !tag.startsWith("/")) href = toLink(tag);
    else if (name === "a") {
      if (href !== undefined && !out.endsWith(href)) out += ` (${href})`;
      href = undefined;
    } else if (name === "li" && !tag.startsWith("/")) out += "\n- ";
    else if (name === "td" || name === "th") out += " ";
    else if (blocks.has(name)) out += name === "p" || /^h\d$/.test(name) ? "\n\n" : "\n";
  }
  return tidy(out);
}

function after(html: string, mark: string, from: number): number {
  const found = html.indexOf(mark, from);
  return found < 0 ? html.length : found + mark.length;
}

function afterClosing(html: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}[^>]{0,100}>`, "gi");
  closing.lastIndex = from;
  return closing.exec(html) === null ? html.length : closing.lastIndex;
}

function toLink(tag: string): string | undefined {
  const [, quoted, bare] = /\bhref\s*=\s*(?:["']([^"']{1,2000})["']|(\S{1,2000}))/i.exec(tag) ?? [];
  const link = decodeEntities(quoted ?? bare ?? "").trim();
  return /^https?:\/\//i.test(link) ? link : undefined;
}

function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,8});/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return entities[name.toLowerCase()] ?? whole;
    const code = name[1] === "x" || name[1] === "X" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0x10ffff || code === 0 ? "\ufffd" : String.fromCodePoint(code).toWellFormed();
  });
}

function tidy(text: string): string {
  return text.split("\n").map((line) => line.replace(/ {2,}/g, " ").trim()).join("\n").replace(/\n{3,}/g, "\n\n")
    .trim();
}
