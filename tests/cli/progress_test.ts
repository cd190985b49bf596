import assert from "node:assert/strict";
import { openProgress, withByteCount } from "../../src/cli/progress.ts";

function newScreen(interactive: boolean) {
  const said: string[] = [];
  let nowMs = 0;
  const terminal = { interactive, columns: 20, complain: (text: string) => void said.push(text) };
  return { said, progress: openProgress(terminal, () => nowMs), at: (ms: number) => nowMs = ms };
}

Deno.test("on a terminal one line is written anew, fits, and is gone at the end", () => {
  const { said, progress, at } = newScreen(true);
  progress.tell("short work needs no words");
  at(600);
  progress.tell("Backing up: 12.0 MB written to a file with a long name");
  at(650);
  progress.tell("too soon");
  at(800);
  progress.tell("99 %");
  progress[Symbol.dispose]();
  assert.deepEqual(said, ["\r\x1b[KBacking up: 12.0 M…", "\r\x1b[K99 %", "\r\x1b[K"]);
});

Deno.test("on a pipe it is a plain line every ten seconds", () => {
  const { said, progress, at } = newScreen(false);
  for (let ms = 0; ms <= 25_000; ms += 1_000) {
    at(ms);
    progress.tell(`${ms} of 25000`);
  }
  progress[Symbol.dispose]();
  assert.deepEqual(said, ["10000 of 25000\n", "20000 of 25000\n"]);
});

Deno.test("bytes are counted as they go by", async () => {
  const totals: number[] = [];
  const chunks = [new Uint8Array(3), new Uint8Array(4)];
  const counted = withByteCount(ReadableStream.from(chunks), (total) => totals.push(total));
  assert.deepEqual(await Array.fromAsync(counted), chunks);
  assert.deepEqual(totals, [3, 7]);
});
