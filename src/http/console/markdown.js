import { h } from "./dom.js";

/** The little Markdown that models write, as nodes. Text stays text; links lead only to the web. */
export function markdown(text) {
  const fragment = document.createDocumentFragment();
  for (const [index, part] of text.split(/^```.*\n?/m).entries()) {
    if (index % 2 === 1) fragment.append(h("pre", {}, h("code", {}, part.replace(/\n$/, ""))));
    else for (const block of part.split(/\n{2,}/)) if (block.trim() !== "") fragment.append(...blocks(block.trim()));
  }
  return fragment;
}

function blocks(block) {
  const lines = block.split("\n");
  const heading = lines[0].match(/^#{1,6}\s+(.*)$/);
  if (heading) return [h("p", { class: "heading" }, ...inline(heading[1])), ...rest(lines)];
  const bullets = /^\s*[-*]\s+/;
  if (lines.every((line) => bullets.test(line))) return [list("ul", lines, bullets)];
  const numbers = /^\s*\d+[.)]\s+/;
  if (lines.every((line) => numbers.test(line))) return [list("ol", lines, numbers)];
  return [h("p", {}, ...lines.flatMap((line, index) => index === 0 ? inline(line) : [h("br"), ...inline(line)]))];
}

function rest(lines) {
  return lines.length > 1 ? blocks(lines.slice(1).join("\n")) : [];
}

function list(tag, lines, marker) {
  return h(tag, {}, ...lines.map((line) => h("li", {}, ...inline(line.replace(marker, "")))));
}

const spans = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\(https?:\/\/[^\s)]+\)|https?:\/\/[^\s<>"')\]]+)/;

function inline(text) {
  return text.split(spans).map((part, index) => {
    if (index % 2 === 0) return part;
    if (part.startsWith("`")) return h("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return h("strong", {}, part.slice(2, -2));
    if (part.startsWith("*")) return h("em", {}, part.slice(1, -1));
    const named = part.match(/^\[([^\]]+)\]\((.+)\)$/);
    return h("a", { href: named?.[2] ?? part, rel: "noopener noreferrer", target: "_blank" }, named?.[1] ?? part);
  });
}
