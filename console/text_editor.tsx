import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Something wrong in a line of a text. */
export interface LineNote {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/** A text with numbered lines, and what is wrong beside them. Tab leaves it, as it leaves any other field. */
export function TextEditor({ area, label, describedBy, text, notes, onText, onCaret, onHelp }: {
  readonly area: RefObject<HTMLTextAreaElement | null>;
  readonly label: string;
  /** Id of what describes it further. */
  readonly describedBy: string;
  readonly text: string;
  readonly notes: readonly LineNote[];
  onText(text: string): void;
  /** Where the cursor stands, an offset in the text. */
  onCaret(offset: number): void;
  /** Ctrl and space were pressed. */
  onHelp(): void;
}) {
  const gutter = useRef<HTMLPreElement>(null);
  const lens = useRef<HTMLPreElement>(null);
  const follow = () => {
    const { scrollTop = 0, scrollLeft = 0 } = area.current ?? {};
    for (const one of [gutter.current, lens.current]) one?.scrollTo(one === gutter.current ? 0 : scrollLeft, scrollTop);
  };
  useLayoutEffect(follow);
  const lines = text.split("\n");
  const noteOf = (line: number) => notes.filter((note) => note.line === line).map((note) => note.text).join(" · ");
  return (
    <div class="editor">
      <pre ref={gutter} class="gutter" aria-hidden="true">
        {lines.map((_, index) => {
          const number = `${index + 1}\n`;
          return noteOf(index + 1) === "" ? number : <b class="bad">■ {number}</b>;
        })}
      </pre>
      <div class="sheet">
        <textarea
          ref={area}
          aria-label={label}
          aria-describedby={describedBy}
          aria-invalid={notes.length > 0}
          aria-keyshortcuts="Control+Space"
          spellcheck={false}
          autocapitalize="off"
          wrap="off"
          value={text}
          onScroll={follow}
          onInput={({ currentTarget }) => {
            onText(currentTarget.value);
            onCaret(currentTarget.selectionStart);
          }}
          onKeyUp={({ currentTarget }) => onCaret(currentTarget.selectionStart)}
          onClick={({ currentTarget }) => onCaret(currentTarget.selectionStart)}
          onKeyDown={(event) => {
            if (event.key === " " && event.ctrlKey) {
              event.preventDefault();
              onHelp();
            } else if (event.key === "Enter" && !event.isComposing) {
              event.preventDefault();
              const { value, selectionStart } = event.currentTarget;
              replaceText(event.currentTarget, undefined, `\n${toIndent(value.slice(0, selectionStart))}`);
            }
          }}
        />
        <pre ref={lens} class="lens" aria-hidden="true">
          {lines.map((line, index) => {
            const note = noteOf(index + 1);
            return [<i>{line}</i>, note === "" ? "" : <em>■ {note}</em>, "\n"];
          })}
        </pre>
      </div>
    </div>
  );
}

/** Writes into a field as if it had been typed, so that the browser's own undo takes it back. */
export function replaceText(
  area: HTMLTextAreaElement,
  range: { readonly from: number; readonly to: number } | undefined,
  text: string,
): void {
  area.focus();
  if (range !== undefined) area.setSelectionRange(range.from, range.to);
  // Nothing newer keeps the history of undo.
  document.execCommand("insertText", false, text);
}

/** Puts the cursor at the start of a line, 1-based, and shows it. */
export function showLine(area: HTMLTextAreaElement, line: number): void {
  const lines = area.value.split("\n");
  const offset = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  area.focus();
  area.setSelectionRange(offset, offset);
  area.scrollTop = area.scrollHeight * Math.max(0, line - 4) / lines.length;
}

/** What the next line begins with: as far in as this one, further below a key without a value. */
function toIndent(before: string): string {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const [space = ""] = /^\s*/.exec(line) ?? [];
  return /:\s*$/.test(line) ? `${space}  ${/^\s*-/.test(line) ? "  " : ""}` : space;
}
