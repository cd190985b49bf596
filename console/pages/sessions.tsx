import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Page } from "../../src/http/page_api.ts";
import type { MessageView, SessionView } from "../../src/http/sessions_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import { get } from "../api.ts";
import { Markdown } from "../markdown.tsx";
import { Empty, Fold, Head, Loading, More, usePages, When } from "../ui.tsx";

const searchPauseMs = 250;

/** All sessions, the newest first, by agent and by words. */
export function SessionsPage({ status }: { readonly status: Signal<Status | undefined> }) {
  const [agent, setAgent] = useState("");
  const [search, setSearch] = useState("");
  const [pause, setPause] = useState<number>();
  const { loaded, more } = usePages<SessionView>(
    (before, signal) => get<Page<SessionView>>("/api/sessions", { agent, search, before }, signal),
    [agent, search],
  );
  const onInput = (text: string) => {
    clearTimeout(pause);
    setPause(setTimeout(() => setSearch(text.trim()), searchPauseMs));
  };
  return (
    <>
      <Head title="Sessions">
        <div class="filters">
          <input
            type="search"
            aria-label="Search transcripts"
            placeholder="Search transcripts  /"
            data-search
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
          />
          <select aria-label="Agent" onChange={({ currentTarget }) => setAgent(currentTarget.value)}>
            <option value="">All agents</option>
            {status.value?.agents.map(({ id }) => <option key={id} value={id}>{id}</option>)}
          </select>
        </div>
      </Head>
      <Loading of={loaded}>
        {(sessions) =>
          sessions.length === 0 ? <Nothing filtered={agent !== "" || search !== ""} /> : (
            <>
              <div class="list">{sessions.map((session) => <SessionRow key={session.id} session={session} />)}</div>
              <More onClick={more} />
            </>
          )}
      </Loading>
    </>
  );
}

function Nothing({ filtered }: { readonly filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="No session matches.">
        <p>Search for fewer or other words.</p>
      </Empty>
    );
  }
  return (
    <Empty title="Nobody has written yet.">
      <p>
        <a href="#/chat">Write the first message</a>
      </p>
    </Empty>
  );
}

function SessionRow({ session }: { readonly session: SessionView }) {
  return (
    <a class="row session" href={`#/sessions/${encodeURIComponent(session.id)}`}>
      <strong>{session.title || session.conversation}</strong>
      <span class="soft">{session.agent} · {session.plugin}.{session.instance}</span>
      <When at={session.lastAt} />
    </a>
  );
}

/** The transcript of one session, the newest at the end. */
export function TranscriptPage({ id }: { readonly id: string }) {
  const [agent, plugin, instance, conversation = id] = id.split("/").map(decodeURIComponent);
  const { loaded, more } = usePages<MessageView>(
    (before, signal) => get<Page<MessageView>>(`/api/sessions/${encodeURIComponent(id)}/messages`, { before }, signal),
    [id],
  );
  return (
    <>
      <Head title={conversation}>
        <span class="soft">{agent} · {plugin}.{instance}</span>
        <a class="button" href="#/sessions">All sessions</a>
      </Head>
      <More onClick={more} text="Earlier messages" />
      <Loading of={loaded}>
        {(messages) =>
          messages.length === 0 ? <Empty title="This session has no messages." /> : (
            <div class="transcript">
              {messages.toReversed().map((message) => <Entry key={message.id} message={message} />)}
            </div>
          )}
      </Loading>
    </>
  );
}

/** One entry of a transcript. */
export function Entry({ message }: { readonly message: MessageView }) {
  const { role, text, author, at, turnId } = message;
  if (role === "note") {
    return (
      <p class="note">
        {text} <When at={at} />
      </p>
    );
  }
  if (role === "tool") {
    return (
      <Fold summary={<span class="tool">{author ?? "tool"}</span>}>
        <pre tabIndex={0}>{text}</pre>
      </Fold>
    );
  }
  const mine = role === "user";
  return (
    <article class={mine ? "bubble me" : "bubble"}>
      {mine ? <p class="plain">{text}</p> : (
        <div class="body">
          <div>
            <Markdown text={text} />
          </div>
        </div>
      )}
      <footer>
        {author !== null && `${author} · `}
        <When at={at} />
        {!mine && turnId !== null && [" · ", <TimelineLink turnId={turnId} />]}
      </footer>
    </article>
  );
}

/** Leads to what happened in a turn. */
export function TimelineLink({ turnId }: { readonly turnId: string }) {
  return <a href={`#/turns/${encodeURIComponent(turnId)}`}>timeline</a>;
}
