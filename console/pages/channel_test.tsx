import { useId, useState } from "preact/hooks";
import type { ChannelTestAnswer, ConversationView } from "../../src/http/channels_api.ts";
import { get, post } from "../api.ts";
import { Failure, useLoaded } from "../ui.tsx";

const firstText = "This is a test message of nexo. This channel can send.";

/** Sends a message through a channel, to a conversation that it has had or to another, and tells what became of it. */
export function TestMessage({ name, path }: { readonly name: string; readonly path: string }) {
  const [search, setSearch] = useState("");
  const [text, setText] = useState(firstText);
  const [key, setKey] = useState(newKey);
  const [sending, setSending] = useState(false);
  const [told, setTold] = useState<ChannelTestAnswer | { readonly error: unknown }>();
  const list = useId();
  const { loaded } = useLoaded(
    (signal) => get<{ items: readonly ConversationView[] }>(`${path}/conversations`, { search }, signal),
    [path, search],
  );
  const known = loaded.state === "loaded" ? loaded.value.items : [];
  const send = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    setTold(undefined);
    try {
      // Sent again after a lost answer it is the same message, which goes out once.
      setTold(await post<ChannelTestAnswer>(`${path}/test`, { conversation: search, text, key }));
      setKey(newKey());
    } catch (error) {
      setTold({ error });
    } finally {
      setSending(false);
    }
  };
  return (
    <form class="search" onSubmit={(event) => void send(event)}>
      <input
        list={list}
        required
        aria-label={`Conversation of ${name}`}
        placeholder="Conversation, as the provider names it"
        autocomplete="off"
        value={search}
        onInput={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      <datalist id={list}>
        {known.map(({ conversation, thread, title }) => (
          <option key={`${conversation}/${thread}`} value={conversation}>{title}</option>
        ))}
      </datalist>
      <input
        required
        aria-label="Text of the test message"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={sending || search.trim() === ""}>
        {sending ? "Sending…" : "Send"}
      </button>
      <p role="status" class="wide">{told !== undefined && "state" in told && <Fate answer={told} />}</p>
      {told !== undefined && "error" in told && <Failure error={told.error} />}
      <p class="soft wide">
        From a terminal: <code>agent channels test {name} {search.trim() || "CONVERSATION"}</code>
      </p>
    </form>
  );
}

function Fate({ answer: { state, providerMessageIds, reason = "" } }: { readonly answer: ChannelTestAnswer }) {
  switch (state) {
    case "sent":
      return (
        <>
          Sent. The provider's id of it: <code>{providerMessageIds.join(", ") || "none"}</code>
        </>
      );
    case "waiting":
      return <>Not sent yet: {reason}. It waits in the outbox and is tried again.</>;
    case "dead":
      return (
        <>
          Not sent: {reason}. It is among the <a href="#/bus/dead-letters">dead letters</a>.
        </>
      );
  }
}

/** Not secret: it only tells one message from the next. */
function newKey(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
}
