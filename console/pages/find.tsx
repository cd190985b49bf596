import { useState } from "preact/hooks";
import type { FoundView } from "../../src/http/find_api.ts";
import { get } from "../api.ts";
import { Empty, Loading, Pill, useLoaded, useRemembered, When } from "../ui.tsx";

/** Finds a message by whatever somebody holds in hand of it, and leads to its turn. */
export function FindMessage() {
  const [asked, setAsked] = useRemembered("asked", "");
  const [typed, setTyped] = useState(asked);
  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(typed.trim());
  };
  return (
    <>
      <form class="search" role="search" onSubmit={submit}>
        <input
          data-search
          type="search"
          aria-label="Message, by an id or its words"
          placeholder="Id of a message or turn, or words of it"
          value={typed}
          onInput={({ currentTarget }) => {
            setTyped(currentTarget.value);
            if (currentTarget.value === "") setAsked("");
          }}
        />
        <button type="submit">Find</button>
      </form>
      {asked !== "" && <Results key={asked} asked={asked} />}
    </>
  );
}

function Results({ asked }: { readonly asked: string }) {
  const { loaded } = useLoaded(async (signal) => {
    const { items } = await get<{ items: readonly FoundView[] }>("/api/find", { q: asked }, signal);
    const [only] = items;
    if (only !== undefined && items.length === 1 && only.by !== "words") location.hash = toAddress(only);
    return items;
  }, [asked]);
  return (
    <Loading of={loaded}>
      {(items) =>
        items.length === 0
          ? (
            <Empty title="Nothing is known of it.">
              <p>
                No turn, message or conversation has this id, and nobody has written these words. What is finished is
                kept for as long as <code>retention.finished</code> says.
              </p>
            </Empty>
          )
          : <div class="list" role="status">{items.map((found) => <Hit key={toAddress(found)} found={found} />)}</div>}
    </Loading>
  );
}

function Hit({ found }: { readonly found: FoundView }) {
  const { by, at, state, channel, text } = found;
  return (
    <a class="row" href={toAddress(found)}>
      <span>
        <strong>{text === "" ? words[by] : text}</strong>
        <br />
        <span class="soft">
          {[text === "" ? "" : words[by], channel, toFate(found)].filter((one) => one).join(" · ")}
        </span>
      </span>
      {state !== null && <Pill state={state} />}
      <When at={at} />
    </a>
  );
}

const words: Readonly<Record<FoundView["by"], string>> = {
  turn: "Turn",
  received: "Came in",
  sent: "Went out",
  conversation: "Conversation",
  "dead letter": "Dead letter",
  words: "Said in a conversation",
};

/** What became of something that led to no turn. */
function toFate({ by, state, turnId, deadLetterId }: FoundView): string {
  if (deadLetterId !== null) return "it died, and can be tried again";
  if (turnId !== null || by !== "received") return "";
  if (state === "ready") return "waits for its turn";
  const refused = /^refused:(.+)$/.exec(state ?? "")?.[1];
  return refused === undefined ? "" : `not answered: ${refused.replaceAll("_", " ")}`;
}

function toAddress({ turnId, sessionId, deadLetterId, channel }: FoundView): string {
  if (deadLetterId !== null) return `#/dead-letters/${deadLetterId}`;
  if (turnId !== null && turnId !== "") return `#/turns/${encodeURIComponent(turnId)}`;
  if (sessionId !== null && sessionId !== "") return `#/sessions/${encodeURIComponent(sessionId)}`;
  return channel === null ? "#/logs" : "#/channels";
}
