import type { MessageView } from "../../src/http/sessions_api.ts";
import { Markdown } from "../markdown.tsx";
import { Fold, When } from "../ui.tsx";
import { duration, pretty } from "../words.ts";

type Result = MessageView["results"][number];

/** What the agent said and did in a row, or one entry of somebody else. */
type Piece =
  | { readonly type: "entry"; readonly message: MessageView }
  | { readonly type: "turn"; readonly messages: readonly [MessageView, ...MessageView[]] };

/** Entries of a transcript, oldest first: words, and each call of a tool once, with its result. */
export function Transcript({ messages }: { readonly messages: readonly MessageView[] }) {
  return (
    <>
      {toPieces(messages).map((piece) =>
        piece.type === "turn"
          ? <AgentTurn key={piece.messages[0].id} messages={piece.messages} />
          : <Entry key={piece.message.id} message={piece.message} />
      )}
    </>
  );
}

/** What an agent said and did in a row, in one turn, stands together. */
export function toPieces(messages: readonly MessageView[]): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const message of messages) {
    const last = pieces.at(-1);
    if (message.role !== "assistant" && message.role !== "tool") pieces.push({ type: "entry", message });
    else if (last?.type === "turn" && last.messages[0].turnId === message.turnId) {
      pieces[pieces.length - 1] = { type: "turn", messages: [...last.messages, message] };
    } else pieces.push({ type: "turn", messages: [message] });
  }
  return pieces;
}

function Entry({ message: { role, text, author, at } }: { readonly message: MessageView }) {
  if (role === "note") {
    return (
      <p class="note">
        {text} <When at={at} />
      </p>
    );
  }
  return (
    <article class="bubble me">
      <p class="plain">{text}</p>
      <footer>
        {author !== null && `${author} · `}
        <When at={at} />
      </footer>
    </article>
  );
}

function AgentTurn({ messages }: { readonly messages: readonly [MessageView, ...MessageView[]] }) {
  const results = messages.flatMap((message) => message.results);
  const calls = new Set(messages.flatMap((message) => message.calls.map(({ id }) => id)));
  const last = messages.at(-1) ?? messages[0];
  return (
    <article class="bubble turn">
      <div class="body">
        {messages.flatMap((message) => [
          ...(message.role === "assistant" && message.text !== ""
            ? [
              <div key={message.id}>
                <Markdown text={message.text} />
              </div>,
            ]
            : []),
          ...message.calls.map(({ id, name, input }) => (
            <Call
              key={id}
              name={name}
              input={input}
              result={results.find(({ callId }) => callId === id)}
            />
          )),
          // Its call stands on an earlier page.
          ...message.results.filter(({ callId }) => !calls.has(callId)).map((result) => (
            <Call key={result.callId} name={result.name} result={result} />
          )),
        ])}
      </div>
      <footer>
        <When at={last.at} />
        {last.turnId !== null && [" · ", <TimelineLink turnId={last.turnId} />]}
      </footer>
    </article>
  );
}

/** One call of a tool, folded: what it was given and what it gave. */
export function Call({ name, input, result, state, tookMs }: {
  readonly name: string;
  /** Absent: not known. */
  readonly input?: unknown;
  readonly result: Pick<Result, "text" | "isError"> | undefined;
  /** What it is doing, while it works. */
  readonly state?: string | undefined;
  readonly tookMs?: number | undefined;
}) {
  const took = tookMs === undefined ? "" : duration(tookMs);
  const said = result === undefined ? state ?? "" : result.isError ? `failed ${took}`.trim() : took;
  return (
    <Fold
      summary={
        <>
          <span class="tool">{name}</span> <span class={result?.isError ? "bad" : "soft"}>{said}</span>
        </>
      }
    >
      {input !== undefined && (
        <>
          <h3>Input</h3>
          <pre tabIndex={0}>{pretty(input)}</pre>
        </>
      )}
      <h3>Result</h3>
      <pre tabIndex={0}>{result?.text ?? "…"}</pre>
    </Fold>
  );
}

/** Leads to what happened in a turn. */
export function TimelineLink({ turnId }: { readonly turnId: string }) {
  return <a href={`#/turns/${encodeURIComponent(turnId)}`}>timeline</a>;
}
