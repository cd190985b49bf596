import { useState } from "preact/hooks";
import type { ChatEvent, ChatRequest } from "../../src/http/chat_api.ts";
import { chat, isPassing, isRequestError, messageOf, post } from "../api.ts";
import { Markdown } from "../markdown.tsx";
import { count, duration, money } from "../words.ts";
import { Call, TimelineLink } from "./transcript.tsx";

/** A message of this page, and what has become of it. */
export interface Exchange {
  readonly key: string;
  readonly text: string;
  /** `data:` URLs. */
  readonly images: readonly string[];
  readonly events: readonly ChatEvent[];
  /** Why the answer is not coming, or comes late. */
  readonly trouble?: { readonly message: string; readonly fate: Fate } | undefined;
}

/** Whether it is still asked for: `asking`, `left` where nobody answered for long, `refused` where asking again is no use. */
type Fate = "asking" | "left" | "refused";

const retryMs = 2_000;
/** A process that starts anew, and answers what it has accepted, is waited for: five minutes. */
const maxTries = 150;

/** Sends one message and tells of its turn; a lost connection is taken up again with the same key. */
export async function converse(
  message: ChatRequest,
  tell: { event(event: ChatEvent): void; again(): void; trouble(message: string, fate: Fate): void },
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      for await (const event of chat(message, signal)) {
        if (event.type === "error") {
          const { kind, message } = event.error;
          // What the process could not wait for is not lost: it is asked for again.
          const status = kind === "unavailable" || kind === "timeout" ? 503 : 400;
          throw Object.assign(new Error(message), { status });
        }
        tell.event(event);
        if (event.type === "reply") return;
      }
      throw new Error("The connection was lost.");
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error) && !isBusy(error)) return tell.trouble(messageOf(error), "refused");
      if (attempt === maxTries) return tell.trouble(messageOf(error), "left");
      tell.again();
      const why = isRequestError(error) ? messageOf(error) : "The process does not answer at the moment.";
      tell.trouble(`${why} What was accepted is not lost. Asking again…`, "asking");
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** Whether the process says that it cannot take the message now, or could not wait for its answer. */
function isBusy(error: unknown): boolean {
  return isRequestError(error) && error.status === 503;
}

/** Messages that were merged into one turn all hear of it: the first shows it, the others give way. */
export function isOwner(exchange: Exchange, all: readonly Exchange[]): boolean {
  const id = turnIdOf(exchange);
  return id === undefined || all.find((one) => turnIdOf(one) === id) === exchange;
}

/** The turn that answers, once it is known. */
export function turnIdOf({ events }: Exchange): string | undefined {
  for (const event of events) if ("turnId" in event) return event.turnId;
  return undefined;
}

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool"; readonly start: ToolStart; readonly end: ToolEnd | undefined };
type ToolStart = Extract<ChatEvent, { type: "toolStarted" }>;
type ToolEnd = Extract<ChatEvent, { type: "toolEnded" }>;

/** Texts and tool calls of a turn, in the order in which they came. */
function toParts(events: readonly ChatEvent[]): readonly Part[] {
  const parts: Part[] = [];
  for (const event of events) {
    const last = parts.at(-1);
    if (event.type === "text") {
      if (last?.type === "text") parts[parts.length - 1] = { type: "text", text: last.text + event.text };
      else parts.push({ type: "text", text: event.text });
    }
    if (event.type === "restarted" && last?.type === "text" && event.voidCharacters > 0) {
      parts[parts.length - 1] = { type: "text", text: last.text.slice(0, -event.voidCharacters) };
    }
    if (event.type === "toolStarted") parts.push({ type: "tool", start: event, end: undefined });
    if (event.type === "toolEnded") {
      const at = parts.findIndex((part) => part.type === "tool" && part.start.callId === event.callId);
      const part = parts[at];
      if (part?.type === "tool") parts[at] = { ...part, end: event };
    }
  }
  return parts;
}

/** What somebody said, and what the agent makes of it. */
export function Turn({ exchange, isOwner }: { readonly exchange: Exchange; readonly isOwner: boolean }) {
  const { events, trouble, text, images } = exchange;
  const turnId = turnIdOf(exchange);
  const reply = events.find((event) => event.type === "reply");
  const ended = events.find((event) => event.type === "ended");
  const streamed = toParts(events);
  const told = streamed.map((part) => part.type === "text" ? part.text : "").join("");
  const parts = reply === undefined || reply.outcome === "failed" || told === reply.text ||
      (reply.outcome === "silent" && told !== "")
    ? streamed
    : [...streamed.filter((part) => part.type === "tool"), { type: "text", text: reply.text } as const];
  return (
    <>
      <article class="bubble me">
        {images.map((image, index) => <img key={index} src={image} alt="Attached" />)}
        {text !== "" && <p class="plain">{text}</p>}
      </article>
      {isOwner && (
        <article
          class="bubble turn"
          aria-busy={reply === undefined && (trouble === undefined || trouble.fate === "asking")}
        >
          <div class="body">
            {parts.map((part, index) =>
              part.type === "text"
                ? (
                  <div key={index}>
                    <Markdown text={part.text} />
                  </div>
                )
                : <LiveCall key={index} {...part} />
            )}
            {reply?.outcome === "silent" && (
              <p class="soft">{reply.error?.message ?? "The agent had nothing to say."}</p>
            )}
            {reply?.outcome === "failed" && (
              <div class="notice bad" role="alert">
                <p>{reply.text}</p>
                {reply.error !== undefined && <p class="soft">{reply.error.message}</p>}
                <p class="soft">
                  It is kept among the <a href="#/dead-letters">dead letters</a>, where it can be answered again.
                </p>
              </div>
            )}
          </div>
          {trouble !== undefined && (trouble.fate === "asking"
            ? <p class="status" role="status">{trouble.message}</p>
            : <p class="notice bad" role="alert">{trouble.message}</p>)}
          {reply === undefined && trouble === undefined && (
            <p class="status working">
              <span class="dots" role="img" aria-label="thinking" />
              {turnId !== undefined && <StopButton turnId={turnId} />}
            </p>
          )}
          {reply !== undefined && (
            <footer>
              {ended !== undefined && `${toCost(ended)} · `}
              <TimelineLink turnId={reply.turnId} />
            </footer>
          )}
        </article>
      )}
    </>
  );
}

/** Ends a turn that runs. */
export function StopButton({ turnId }: { readonly turnId: string }) {
  const [refusal, setRefusal] = useState("");
  const stop = () => {
    setRefusal("");
    post(`/api/turns/${encodeURIComponent(turnId)}/stop`, {}).catch((error) => setRefusal(messageOf(error)));
  };
  return (
    <>
      <button type="button" class="small-button" onClick={stop}>Stop</button>
      {refusal !== "" && <span class="bad" role="alert">{refusal}</span>}
    </>
  );
}

function LiveCall({ start, end }: { readonly start: ToolStart; readonly end: ToolEnd | undefined }) {
  return (
    <Call
      name={start.tool}
      input={start.input}
      result={end === undefined ? undefined : { text: end.preview, isError: end.isError }}
      state={end === undefined ? "running" : undefined}
      tookMs={end?.tookMs}
    />
  );
}

function toCost({ model, tookMs, inputTokens, outputTokens, costUsd }: Extract<ChatEvent, { type: "ended" }>): string {
  const parts = [model, duration(tookMs), count(inputTokens + outputTokens, "token"), costUsd ? money(costUsd) : ""];
  return parts.filter((part) => part).join(" · ");
}
