import { useEffect, useState } from "preact/hooks";
import type { Page } from "../../src/http/page_api.ts";
import type { MessageView, SessionView } from "../../src/http/sessions_api.ts";
import { get } from "../api.ts";
import { decoded } from "../words.ts";
import type { LiveStatus } from "../live.ts";
import { Empty, Fresh, Head, Loading, More, useFresh, usePages, useRemembered, When } from "../ui.tsx";
import { Transcript } from "./transcript.tsx";

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
export function SessionsPage({ live }: { readonly live: LiveStatus }) {
  const [asked, setAsked] = useRemembered("wanted", everything);
  const [wanted, setWanted] = useState(asked);
  useEffect(() => {
    if (wanted === asked) return;
    const timer = setTimeout(() => setAsked(wanted), searchPauseMs);
    return () => clearTimeout(timer);
  }, [wanted]);
  const load = (before: string | number | undefined, signal: AbortSignal) =>
    get<Page<SessionView>>("/api/sessions", { ...toQuery(asked), before }, signal);
  const { loaded, more, reload } = usePages<SessionView>(load, [JSON.stringify(asked)]);
  const fresh = useFresh(loaded, load, ({ id, lastAt }) => `${id} ${lastAt}`, live.activity.value);
  const { agents = [], channels = [] } = live.status.value ?? {};
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
            value={wanted.search}
            onInput={({ currentTarget }) => setWanted({ ...wanted, search: currentTarget.value })}
          />
        </div>
      </Head>
      <div class="filters narrow-filters" role="group" aria-label="Filters">
        <select
          aria-label="Agent"
          value={wanted.agent}
          onChange={({ currentTarget }) => setWanted({ ...wanted, agent: currentTarget.value })}
        >
          <option value="">All agents</option>
          {agents.map(({ id }) => <option key={id} value={id}>{id}</option>)}
        </select>
        <select
          aria-label="Channel"
          value={wanted.channel}
          onChange={({ currentTarget }) => setWanted({ ...wanted, channel: currentTarget.value })}
        >
          <option value="">All channels</option>
          {places.map((place) => <option key={place} value={place}>{place}</option>)}
        </select>
        <input
          aria-label="Person"
          placeholder="Person: telegram:4711"
          value={wanted.person}
          onInput={({ currentTarget }) => setWanted({ ...wanted, person: currentTarget.value })}
        />
        <label>
          From{" "}
          <input
            type="date"
            value={wanted.since}
            onChange={({ currentTarget }) => setWanted({ ...wanted, since: currentTarget.value })}
          />
        </label>
        <label>
          to{" "}
          <input
            type="date"
            value={wanted.until}
            onChange={({ currentTarget }) => setWanted({ ...wanted, until: currentTarget.value })}
          />
        </label>
      </div>
      <Fresh number={fresh} noun="new or gone on" onClick={reload} />
      <Loading of={loaded}>
        {(sessions) =>
          sessions.length === 0 ? <Nothing isFiltered={isFiltered} /> : (
            <>
              <div class="list">{sessions.map((session) => <SessionRow key={session.id} session={session} />)}</div>
              <More of={more} />
            </>
          )}
      </Loading>
    </>
  );
}

/** Days are those of whoever looks. */
function toQuery({ search, person, since, until, ...others }: Wanted) {
  return {
    ...others,
    search: search.trim(),
    person: person.trim(),
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
export function TranscriptPage({ id, live }: { readonly id: string; readonly live: LiveStatus }) {
  const [agent, plugin, instance, conversation = id] = id.split("/").map(decoded);
  const address = `/api/sessions/${encodeURIComponent(id)}`;
  const load = (before: string | number | undefined, signal: AbortSignal) =>
    get<Page<MessageView>>(`${address}/messages`, { before }, signal);
  const { loaded, more, reload } = usePages<MessageView>(load, [id]);
  const fresh = useFresh(loaded, load, (message) => String(message.id), live.activity.value);
  return (
    <>
      <Head title={conversation}>
        <span class="soft">{agent} · {plugin}.{instance}</span>
        <div class="filters">
          <a class="button" href={`${address}/export?format=md`} download={`${conversation}.md`}>Export</a>
          <a class="button" href={`${address}/export?format=jsonl`} download={`${conversation}.jsonl`}>as JSON</a>
        </div>
      </Head>
      <More of={more} text="Earlier messages" />
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
                <Fresh number={fresh} noun="new" onClick={reload} />
              </div>
            )}
      </Loading>
    </>
  );
}
