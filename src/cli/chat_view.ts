import { formatDuration } from "../lib/duration.ts";
import type { ChatEvent } from "../http/chat_api.ts";
import { newInk } from "./ink.ts";
import { toPlain, toPlainLine } from "./plain.ts";
import type { Terminal } from "./terminal.ts";

/** Shows what becomes of one message, as it happens. */
export interface ChatView {
  show(event: ChatEvent): void;
}

/** How much of a call or a result is shown, characters. */
const previewLength = 100;

/** For a person: text as it streams, tool calls in between. */
export function newStreamedView(terminal: Terminal): ChatView {
  const ink = newInk(terminal.color);
  /** What was streamed and still counts. */
  let streamed = "";
  let column = 0;
  const write = (text: string) => {
    terminal.print(text);
    column = text.endsWith("\n") ? 0 : column + text.length;
  };
  const line = (text: string) => write(`${column === 0 ? "" : "\n"}${text}\n`);
  return {
    show(event) {
      switch (event.type) {
        case "text":
          streamed += event.text;
          return write(toPlain(event.text));
        case "restarted":
          streamed = streamed.slice(0, streamed.length - event.voidCharacters);
          return line(ink.dim("(the model broke off; it is asked again)"));
        case "reply":
          if (event.text !== "" && event.text.trim() !== streamed.trim()) line(toPlain(event.text));
          if (column > 0) write("\n");
          if (event.outcome !== "answered") line(ink.warn(sayOutcome(event)));
          return;
        case "error":
          return line(ink.bad(sayError(event.error)));
        case "toolStarted":
        case "toolEnded":
          return line(ink.dim(sayTool(event)));
        case "toolProgress":
        case "accepted":
        case "started":
        case "ended":
          return;
      }
    },
  };
}

/** For pipes: whole answers on standard output, all else on standard error. */
export function newAnswersView(terminal: Terminal): ChatView {
  return {
    show(event) {
      switch (event.type) {
        case "reply":
          if (event.text !== "") terminal.print(`${toPlain(event.text)}\n`);
          if (event.outcome !== "answered") terminal.complain(`${sayOutcome(event)}\n`);
          return;
        case "error":
          return terminal.complain(`${sayError(event.error)}\n`);
        case "toolStarted":
        case "toolEnded":
          return terminal.complain(`${sayTool(event)}\n`);
        case "toolProgress":
        case "accepted":
        case "started":
        case "text":
        case "restarted":
        case "ended":
          return;
      }
    },
  };
}

/** For programs: every event, one a line. */
export function newEventsView(terminal: Terminal): ChatView {
  return { show: (event) => terminal.print(`${JSON.stringify(event)}\n`) };
}

function sayTool(event: Extract<ChatEvent, { type: "toolStarted" | "toolEnded" }>): string {
  if (event.type === "toolStarted") {
    return `  → ${toPlainLine(`${event.tool} ${JSON.stringify(event.input)}`, previewLength)}`;
  }
  const { tool, isError, tookMs, preview } = event;
  const mark = isError ? "✗" : "✓";
  return `  ${mark} ${toPlainLine(`${tool}, ${formatDuration(tookMs)}: ${preview}`, previewLength)}`;
}

function sayOutcome({ outcome, error }: Extract<ChatEvent, { type: "reply" }>): string {
  switch (outcome) {
    case "answered":
      return "";
    case "silent":
      return "(the agent chose not to answer)";
    case "failed":
      return `(the turn failed: ${toPlain(error?.message ?? "see agent dlq list")})`;
  }
}

function sayError({ message }: { readonly message: string }): string {
  return `(no answer: ${toPlain(message)})`;
}
