/** An entry of a feed. What it does not say is empty. */
export interface FeedEntry {
  readonly title: string;
  readonly link: string;
  readonly published: string;
  readonly summary: string;
}

/** A feed with its entries, in its own order. */
export interface Feed {
  readonly title: string;
  readonly entries: readonly FeedEntry[];
}

const maxSummaryCharacters = 500;

/** Reads RSS 2.0, RSS 1.0 and Atom; `undefined` for what is none of them. */
export function parseFeed(xml: string): Feed | undefined {
  if (!/<(rss|feed|rdf:RDF)\b/i.test(xml)) return undefined;
  const blocks = [...xml.matchAll(/<(item|entry)\b[^>]*>([\s\S]*?)<\/\1\s*>/gi)].map((match) => match[2] ?? "");
  const head = xml.slice(0, xml.search(/<(item|entry)\b/i) >>> 0);
  return { title: textOf(head, "title"), entries: blocks.map(toEntry) };
}

function toEntry(block: string): FeedEntry {
  return {
    title: textOf(block, "title"),
    link: textOf(block, "link") || (/<link\b[^>]*\bhref\s*=\s*["']([^"']+)/i.exec(block)?.[1] ?? ""),
    published: textOf(block, "pubDate", "published", "updated", "dc:date"),
    summary: textOf(block, "description", "summary", "content").slice(0, maxSummaryCharacters),
  };
}

/** The text of the first of these elements that is there. */
function textOf(block: string, ...names: readonly string[]): string {
  for (const name of names) {
    const content = new RegExp(`<${name}\\b[^>]*>([\\s\\S]*?)</${name}\\s*>`, "i").exec(block)?.[1];
    if (content !== undefined) return toPlain(content);
  }
  return "";
}

function toPlain(content: string): string {
  const raw = content.replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, "$1");
  // Marks may stand escaped: they are read twice.
  return [decode, stripMarks, decode].reduce((text, step) => step(text), raw).replace(/\s+/g, " ").trim();
}

function stripMarks(text: string): string {
  return text.replace(/<[^>]*>/g, " ");
}

function decode(text: string): string {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&(#39|apos);/g, "'")
    .replace(/&nbsp;/g, " ").replace(/&amp;/g, "&");
}
