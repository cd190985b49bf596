import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Page } from "../../src/http/page_api.ts";
import type { MessageView, SessionView } from "../../src/http/sessions_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import { get } from "../api.ts";
import { Empty, Head, Loading, More, usePages, When } from "../ui.tsx";
import { Transcript } from "./transcript.tsx";
import { decode } from "../words.ts";

const searchPauseMs = 250;
const dayMs = 86_400_000;

interface Wanted {
  readonly search: string;
  readonly agent: string;
  readonly channel: string;
  readonly person: string;
  /** Days as the browser's date fields give them. */
  readonly since: string;
  readonly until: string;
}

const everything: Wanted = { search: "", agent: "", channel: "", person: "", since: "", until: "" };

/** All sessions, the newest first: by words, agent, channel, person and day. */
export function SessionsPage({ status }: { readonly status: Signal<Status | undefined> }) {
  const [wanted, setWanted] = useState(everything);
  const [pause, setPause] = useState<number>();
  const { loaded, more } = usePages<SessionView>(
    (before, signal) => get<Page<SessionView>>("/api/sessions", { ...toQuery(wanted), before }, signal),
    [JSON.stringify(wanted)],
  );
  const soon = (change: Partial<Wanted>) => {
    clearTimeout(pause);
    setPause(setTimeout(() => setWanted((known) => ({ ...known, ...change })), searchPauseMs));
  };
  const { agents = [], channels = [] } = status.value ?? {};
  const places = [
    ...channels.map(({ plugin, instance }) => `${plugin}.${instance}`),
    ...agents.flatMap(({ id }) => [`console.${id}`, `api.${id}`]),
  ];
  const isFiltered = Object.values(wanted).some((value) => value !== "");
  return (
    <>
      <Head title="Sessions">
        <div class="filters">
          <input
            type="search"
            aria-label="Search transcripts"
            placeholder="Search transcripts  /"
            data-search
            onInput={({ currentTarget }) => soon({ search: currentTarget.value.trim() })}
          />
        </div>
      </Head>
      <div class="filters narrow-filters" role="group" aria-label="Filters">
        <select
          aria-label="Agent"
          onChange={({ currentTarget }) => setWanted({ ...wanted, agent: currentTarget.value })}
        >
          <option value="">All agents</option>
          {agents.map(({ id }) => <option key={id} value={id}>{id}</option>)}
        </select>
        <select
          aria-label="Channel"
          onChange={({ currentTarget }) => setWanted({ ...wanted, channel: currentTarget.value })}
        >
          <option value="">All channels</option>
          {places.map((place) => <option key={place} value={place}>{place}</option>)}
        </select>
        <input
          aria-label="Person"
          placeholder="Person: telegram:4711"
          onInput={({ currentTarget }) => soon({ person: currentTarget.value.trim() })}
        />
        <label>
          From{" "}
          <input type="date" onChange={({ currentTarget }) => setWanted({ ...wanted, since: currentTarget.value })} />
        </label>
        <label>
          to{" "}
          <input type="date" onChange={({ currentTarget }) => setWanted({ ...wanted, until: currentTarget.value })} />
        </label>
      </div>
      <Loading of={loaded}>
        {(sessions) =>
          sessions.length === 0 ? <Nothing isFiltered={isFiltered} /> : (
            <>
              <div class="list">{sessions.map((session) => <SessionRow key={session.id} session={session} />)}</div>
              <More onClick={more} />
            </>
          )}
      </Loading>
    </>
  );
}

/** Days are those of whoever looks. */
function toQuery({ since, until, ...others }: Wanted) {
  return {
    ...others,
    sinceMs: since === "" ? undefined : new Date(`${since}T00:00`).getTime(),
    untilMs: until === "" ? undefined : new Date(`${until}T00:00`).getTime() + dayMs,
  };
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No session matches.">
        <p>Search for fewer or other words, or take a filter away.</p>
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
  const [agent, plugin, instance, conversation = id] = id.split("/").map(decode);
  const address = `/api/sessions/${encodeURIComponent(id)}`;
  const { loaded, more } = usePages<MessageView>(
    (before, signal) => get<Page<MessageView>>(`${address}/messages`, { before }, signal),
    [id],
  );
  return (
    <>
      <Head title={conversation}>
        <span class="soft">{agent} · {plugin}.{instance}</span>
        <div class="filters">
          <a class="button" href={`${address}/export?format=md`} download={`${conversation}.md`}>Export</a>
          <a class="button" href={`${address}/export?format=jsonl`} download={`${conversation}.jsonl`}>as JSON</a>
        </div>
      </Head>
      <More onClick={more} text="Earlier messages" />
      <Loading of={loaded}>
        {(messages) =>
          messages.length === 0
            ? (
              <Empty title="This session has no messages.">
                <p>
                  <a href="#/sessions">All sessions</a>
                </p>
              </Empty>
            )
            : (
              <div class="transcript">
                <Transcript messages={messages.toReversed()} />
              </div>
            )}
      </Loading>
    </>
  );
}
