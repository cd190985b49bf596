import { Buffer } from "node:buffer";
import { stdin, stdout } from "node:process";
import { Transform } from "node:stream";

/** What becomes of line ends in pasted text: a blank or nothing. `undefined`: nothing can be pasted. */
export type PastedLineEnd = " " | "" | undefined;

const pasteBegins = "\x1b[200~";
const pasteEnds = "\x1b[201~";
/** Asks the terminal to put those marks around what is pasted. */
const markPastes = "\x1b[?2004h";
const markNoPastes = "\x1b[?2004l";
const ctrlZ = "\x1a";

/** The keys of the terminal for one question. Disposing it leaves the terminal as it was. */
export function openKeyboard(lineEnd: PastedLineEnd): { readonly keys: Transform } & Disposable {
  const filter = newKeyFilter(lineEnd);
  const transform = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      // Byte by byte: a letter may be cut in two.
      done(null, Buffer.from(filter(Buffer.from(chunk).toString("latin1")), "latin1"));
    },
  });
  const keys = Object.assign(transform, { isTTY: true, setRawMode: (isRaw: boolean) => void stdin.setRawMode(isRaw) });
  stdout.write(markPastes);
  stdin.pipe(keys);
  return {
    keys,
    [Symbol.dispose]() {
      stdin.unpipe(keys);
      stdin.pause();
      stdout.write(markNoPastes);
    },
  };
}

/**
 * Makes what is typed fit for a question. Pasted text is one answer, however many lines it has: a line end in it would
 * answer this question and the next ones. Ctrl-Z does nothing: the reader below stops the process on it, and hears no
 * key any more when that goes on.
 */
export function newKeyFilter(lineEnd: PastedLineEnd): (typed: string) => string {
  let isPasting = false;
  let held = "";
  let isAfterLine = false;
  const toAnswer = (text: string) => {
    if (lineEnd === undefined) return "";
    // Several line ends are one, also where they do not come together.
    const joined = text.replace(/^[\r\n]+/, isAfterLine ? "" : lineEnd).replace(/[\r\n]+/g, lineEnd);
    if (text !== "") isAfterLine = /[\r\n]$/.test(text);
    // deno-lint-ignore no-control-regex -- they are what is taken out
    return joined.replace(/[\x00-\x1f\x7f]/g, "");
  };
  return (typed) => {
    let rest = held + typed;
    let passed = "";
    while (true) {
      const mark = isPasting ? pasteEnds : pasteBegins;
      const at = rest.indexOf(mark);
      // The mark at the end may have come in part. One at the beginning always comes whole, for Esc is a key.
      held = at < 0 && isPasting ? beginningAtEnd(rest, mark) : "";
      const part = at < 0 ? rest.slice(0, rest.length - held.length) : rest.slice(0, at);
      passed += isPasting ? toAnswer(part) : part.replaceAll(ctrlZ, "");
      if (at < 0) return passed;
      isPasting = !isPasting;
      rest = rest.slice(at + mark.length);
    }
  };
}

/** The longest part of the beginning of `mark` that `text` ends with. */
function beginningAtEnd(text: string, mark: string): string {
  for (let length = mark.length - 1; length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return mark.slice(0, length);
  }
  return "";
}
