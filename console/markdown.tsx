import type { ComponentChildren } from "preact";
import { splitSpans } from "./spans.ts";

/** The little Markdown that models write. Text stays text; links lead only to the web. */
export function Markdown({ text }: { readonly text: string }) {
  return (
    <>
      {text.split(/^```.*\n?/m).map((part, index) =>
        index % 2 === 1
          ? <pre tabIndex={0}><code>{part.replace(/\n$/, "")}</code></pre>
          : part.split(/\n{2,}/).filter((block) => block.trim() !== "").map((block) => (
            <Block lines={block.trim().split("\n")} />
          ))
      )}
    </>
  );
}

const bullets = /^\s*[-*]\s+/;
const numbers = /^\s*\d+[.)]\s+/;

function Block({ lines }: { readonly lines: readonly string[] }) {
  const [first = "", ...others] = lines;
  const heading = /^#{1,6}\s+(.*)$/.exec(first);
  if (heading !== null) {
    return (
      <>
        <p class="heading">{inline(heading[1] ?? "")}</p>
        {others.length > 0 && <Block lines={others} />}
      </>
    );
  }
  if (lines.every((line) => bullets.test(line))) {
    return <ul>{lines.map((line) => <li>{inline(line.replace(bullets, ""))}</li>)}</ul>;
  }
  if (lines.every((line) => numbers.test(line))) {
    return <ol>{lines.map((line) => <li>{inline(line.replace(numbers, ""))}</li>)}</ol>;
  }
  return <p>{lines.map((line, index) => index === 0 ? inline(line) : [<br />, inline(line)])}</p>;
}

function inline(text: string): ComponentChildren {
  return splitSpans(text).map((part, index) => {
    if (index % 2 === 0) return part;
    if (part.startsWith("`")) return <code>{part.slice(1, -1)}</code>;
    if (part.startsWith("**")) return <strong>{part.slice(2, -2)}</strong>;
    if (part.startsWith("*")) return <em>{part.slice(1, -1)}</em>;
    const [, name = part, address = part] = /^\[([^\]]+)\]\((.+)\)$/.exec(part) ?? [];
    return <a href={address} rel="noopener noreferrer" target="_blank">{name}</a>;
  });
}
