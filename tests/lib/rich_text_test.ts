import assert from "node:assert/strict";
import { assertGrowsEvenly } from "../fixtures/growth.ts";
import { type Entity, toRichText } from "../../src/lib/rich_text.ts";

/** The text with each formatted stretch as `<type>…</>`, for people to read. */
function show(markdown: string): string {
  const { text, entities } = toRichText(markdown);
  const marks = entities.flatMap((entity, index) => [
    { at: entity.offset, order: index, mark: `<${toName(entity)}>` },
    { at: entity.offset + entity.length, order: -index - 1, mark: "</>" },
  ]).sort((a, b) => b.at - a.at || b.order - a.order);
  return marks.reduce((shown, { at, mark }) => shown.slice(0, at) + mark + shown.slice(at), text);
}

function toName({ type, url, language }: Entity): string {
  return [type, url ?? language].filter((part) => part !== undefined).join(" ");
}

const cases: Readonly<Record<string, readonly [markdown: string, shown: string]>> = {
  "bold, italic and struck text": [
    "**a** *b* ~~c~~ __d__ _e_",
    "<bold>a</> <italic>b</> <strikethrough>c</> <bold>d</> <italic>e</>",
  ],
  "italic inside bold": ["**a *b* c**", "<bold>a <italic>b</> c</>"],
  "code as it is": ["use `a *b* < c`", "use <code>a *b* < c</>"],
  "code with a backtick in it": ["`` a ` b ``", "<code>a ` b</>"],
  "a fenced block with its language": ["```ts\nlet a = 1;\n\n*b*\n```\nafter", "<pre ts>let a = 1;\n\n*b*</>\nafter"],
  "a fenced block that is never closed": ["```\nab", "<pre>ab</>"],
  "a link": [
    "see [the **docs**](https://example.com/a?b=c)!",
    "see <text_link https://example.com/a?b=c>the <bold>docs</></>!",
  ],
  "an image as a link": ["![cat](https://example.com/cat.png)", "<text_link https://example.com/cat.png>cat</>"],
  "no link with a scheme that Telegram does not know": ["[x](javascript:alert)", "[x](javascript:alert)"],
  "headings as bold lines": ["# One\n## Two ##\ntext", "<bold>One</>\n<bold>Two</>\ntext"],
  "lists with bullets": ["- a\n  * b\n1. c", "• a\n  • b\n1. c"],
  "quotes": ["> a **b**\n> c\n\nd", "<blockquote>a <bold>b</>\nc</>\n\nd"],
  "tables in a fixed width": ["| a | b |\n|---|---|\n| 1 | 2 |", "<pre>| a | b |\n|---|---|\n| 1 | 2 |</>"],
  "rules": ["a\n\n---\n\nb", "a\n\n———\n\nb"],
  "escaped marks as they are": ["\\*a\\* 1\\. \\_b", "*a* 1. _b"],
  "stars and underscores that format nothing": [
    "2 * 3 * 4, snake_case_name, a_b, 5*",
    "2 * 3 * 4, snake_case_name, a_b, 5*",
  ],
  "markup of other languages as text": ["<b>a</b> &amp; <script>", "<b>a</b> &amp; <script>"],
  "marks without an end": ["**a and `b and [c](", "**a and `b and [c]("],
};

for (const [what, [markdown, shown]] of Object.entries(cases)) {
  Deno.test(`rich text shows ${what}`, () => assert.equal(show(markdown), shown));
}

Deno.test("rich text counts formatting in UTF-16 units", () => {
  assert.deepEqual(toRichText("👋 **hi**").entities, [{ type: "bold", offset: 3, length: 2 }]);
});

for (
  const hostile of ["*", "_", "`", "**a ", "[", "[a](", "![", "~~", "> ", "\\", "```\n", "# ", "| ", "- ", "*a_b`"]
) {
  Deno.test(`rich text reads 100,000 characters of ${JSON.stringify(hostile)} as fast as fewer`, () => {
    assertGrowsEvenly((size) => void toRichText(hostile.repeat(size / hostile.length)), 6_250);
  });
}
