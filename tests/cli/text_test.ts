import assert from "node:assert/strict";
import { newStreamedView } from "../../src/cli/chat_view.ts";
import { newInk } from "../../src/cli/ink.ts";
import { toPlain, toPlainLine } from "../../src/cli/plain.ts";
import { readEventData } from "../../src/cli/sse.ts";
import { formatTable } from "../../src/cli/table.ts";
import { splitLines, type Terminal } from "../../src/cli/terminal.ts";
import { wrapHelp } from "../../src/cli/wrap.ts";
import { version } from "../../src/core/version.ts";
import type { ChatEvent } from "../../src/http/chat_api.ts";

Deno.test("no control character and no change of direction reaches the terminal", () => {
  const evil = Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code)).join("") + "\u202e\u2066\u200f";
  assert.doesNotMatch(toPlain(evil).replaceAll(/[\n\t]/g, ""), /[\p{Cc}\p{Bidi_Control}]/u);
  assert.equal(toPlain("a\u001b[31mb\r\nc\rd"), "a\u241b[31mb\nc\u240dd");
  assert.equal(toPlain("Grüße, 世界 👋🏽"), "Grüße, 世界 👋🏽");
});

Deno.test("a long text is cut to one line, and never inside an emoji", () => {
  assert.equal(toPlainLine("one\n  two  three", 8), "one two…");
  assert.equal(toPlainLine("👋👋👋", 2), "👋…");
});

Deno.test("columns stay aligned with wide letters, and numbers stand on the right", () => {
  const columns = [{ title: "NAME" }, { title: "N", align: "right" as const }, { title: "X" }];
  assert.equal(
    formatTable(columns, [["安娜", "1", "a"], ["bo", "200", ""]], newInk(false)),
    "NAME    N  X\n安娜    1  a\nbo    200  -",
  );
});

Deno.test("where a terminal has no room for columns, each row stands below its first cell", () => {
  const columns = [{ title: "AGENT" }, { title: "MODEL" }, { title: "TOOLS", align: "right" as const }, {
    title: "HEARS",
  }];
  const row = ["an-agent-of-a-long-name", "anthropic/claude", "3", "telegram.sales, email.box"];
  const lines = formatTable(columns, [row, ["ben", "demo/demo", "3", ""]], newInk(true), 40).split("\n");
  // deno-lint-ignore no-control-regex -- colours
  const said = lines.map((line) => line.replace(/\x1b\[\d+m/g, ""));
  assert.deepEqual(said, [
    "an-agent-of-a-long-name",
    "  model anthropic/claude, tools 3, hears",
    "  telegram.sales, email.box",
    "ben",
    "  model demo/demo, tools 3",
  ]);
  assert.match(formatTable(columns, [row], newInk(false), 100), /^AGENT +MODEL +TOOLS +HEARS\n/);
});

Deno.test("help is broken at blanks to the width of the terminal, its examples stay whole", () => {
  const page = [
    "USAGE",
    "  agent x [--address ADDRESS] [--password-file FILE]",
    "",
    "EXAMPLES",
    "  agent x --address a@example.org --password-file password.txt",
    "",
    "FLAGS",
    "     [--json]  Print JSON for programs and nothing else",
  ].join("\n");
  assert.equal(wrapHelp(page, undefined), page);
  const lines = wrapHelp(page, 40).split("\n");
  assert.deepEqual(lines.slice(0, 3), ["USAGE", "  agent x [--address ADDRESS]", "    [--password-file FILE]"]);
  assert.ok(lines.includes("  agent x --address a@example.org --password-file password.txt"));
  assert.deepEqual(lines.slice(-2), ["     [--json]  Print JSON for programs", "               and nothing else"]);
});

Deno.test("colours are only there where they are welcome", () => {
  assert.equal(newInk(false).bad("x"), "x");
  assert.equal(newInk(true).bad("x"), "\x1b[31mx\x1b[0m");
});

Deno.test("lines are found across chunks, and the last one needs no end", async () => {
  const chunks = ["on", "e\r\ntw", "o\n\nthree"];
  assert.deepEqual(await Array.fromAsync(splitLines(stream(chunks))), ["one", "two", "", "three"]);
});

Deno.test("events are read across chunks that cut letters in two", async () => {
  const bytes = new TextEncoder().encode(": keep-alive\n\nevent: text\ndata: gr\u00fc\u00dfe\n\ndata: a\ndata: b\n\n");
  const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assert.deepEqual(await Array.fromAsync(readEventData(stream(chunks))), ["grüße", "a\nb"]);
});

Deno.test("a streamed chat shows text and calls in order, and a changed reply whole", () => {
  const turn = { agent: "ana", sessionId: "s", turnId: "t" };
  const text = (text: string): ChatEvent => ({ ...turn, type: "text", text });
  const reply = (text: string): ChatEvent => ({ type: "reply", outcome: "answered", text, turnId: "t" });
  assert.equal(
    show([
      text("Let me "),
      text("see."),
      { ...turn, type: "toolStarted", callId: "1", tool: "clock", input: {} },
      { ...turn, type: "toolEnded", callId: "1", tool: "clock", isError: true, preview: "broken", tookMs: 2 },
      text(" Noon."),
      reply("Let me see. Noon."),
    ]),
    "Let me see.\n  → clock {}\n  ✗ clock, 2 ms: broken\n Noon.\n",
  );
  assert.equal(
    show([text("damn"), { ...turn, type: "restarted", voidCharacters: 4 }, text("darn"), reply("darn")]),
    "damn\n(the model broke off; it is asked again)\ndarn\n",
  );
  assert.equal(show([text("damn"), reply("d***")]), "damn\nd***\n");
});

Deno.test("the version is the one of deno.json", async () => {
  const { version: declared } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assert.equal(version, declared);
});

function show(events: readonly ChatEvent[]): string {
  let shown = "";
  const terminal: Terminal = {
    env: {},
    interactive: true,
    color: false,
    print: (text) => void (shown += text),
    complain: () => undefined,
    lines: () => stream([]),
  };
  const view = newStreamedView(terminal);
  for (const event of events) view.show(event);
  return shown;
}

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
