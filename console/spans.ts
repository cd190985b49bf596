// No piece looks further than to its own end or to where the next could begin: whoever writes brackets without end must not
// keep the page busy.
const spans = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^[\]]+\]\(https?:\/\/[^\s)]+\)|https?:\/\/[^\s<>"')\]]+)/;

/** The text between, at even places, and code, emphasis and links of Markdown, at odd ones. */
export function splitSpans(text: string): readonly string[] {
  return text.split(spans);
}
