import { useEffect, useRef, useState } from "preact/hooks";
import type { LogEntryView } from "../../src/http/logs_api.ts";
import { listenWhileSeen } from "../live.ts";
import { Empty, Head } from "../ui.tsx";

const shownEntries = 500;
const levels = ["debug", "info", "warn", "error"] as const;

/** The log as it comes, by level, event and fields; with a turn, all that is told of it. */
export function LogsPage({ turn }: { readonly turn: string | undefined }) {
  // Whoever follows one turn wants all of it.
  const [level, setLevel] = useState(turn === undefined ? "info" : "debug");
  const [wanted, setWanted] = useState("");
  const [paused, setPaused] = useState(false);
  const { entries, unseen, take } = useTail(toQuery(level, wanted, turn), paused);
  return (
    <>
      <Head title="Logs">
        <div class="filters">
          <input
            type="search"
            data-search
            aria-label="Event, or field=value"
            placeholder="turn, plugin=telegram  /"
            onChange={({ currentTarget }) => setWanted(currentTarget.value.trim())}
          />
          <select aria-label="Level" value={level} onChange={({ currentTarget }) => setLevel(currentTarget.value)}>
            {levels.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
          <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? "Go on" : "Pause"}
          </button>
        </div>
      </Head>
      {turn !== undefined && (
        <p class="notice following">
          Following turn <code>{turn}</code>
          <a href={`#/turns/${encodeURIComponent(turn)}`}>Timeline</a>
          <a href="#/logs">Everything</a>
        </p>
      )}
      {unseen > 0 && (
        <button
          class="fresh"
          type="button"
          onClick={() => {
            document.documentElement.scrollTop = 0;
            setPaused(false);
            take();
          }}
        >
          {unseen === shownEntries ? `${unseen} or more` : unseen} new
        </button>
      )}
      {entries.length === 0
        ? <Nothing isFiltered={turn !== undefined || wanted !== ""} />
        : (
          <ol class="log list" aria-label="Log">
            {entries.map(({ number, entry }) => <LogRow key={number} entry={entry} followed={turn} />)}
          </ol>
        )}
    </>
  );
}

/** `name=value` is a field, anything else the beginning of an event's name. */
function toQuery(level: string, wanted: string, turn: string | undefined): string {
  const query = new URLSearchParams({ follow: "1", level });
  for (const word of wanted.split(/\s+/).filter((part) => part !== "")) {
    const at = word.indexOf("=");
    if (at > 0) query.set(word.slice(0, at), word.slice(at + 1));
    else query.set("event", word);
  }
  if (turn !== undefined) query.set("turn", turn);
  return query.toString();
}

interface Numbered {
  readonly number: number;
  readonly entry: LogEntryView;
}

/** Entries as they come, the newest first. While somebody reads further down, or has paused, new ones wait. */
function useTail(query: string, paused: boolean) {
  const [entries, setEntries] = useState<readonly Numbered[]>([]);
  const [unseen, setUnseen] = useState(0);
  const waits = useRef<readonly Numbered[]>([]);
  const isPaused = useRef(paused);
  const take = () => {
    const fresh = waits.current;
    waits.current = [];
    setUnseen(0);
    setEntries((known) => [...fresh, ...known].slice(0, shownEntries));
  };
  useEffect(() => {
    isPaused.current = paused;
    if (!paused && !isReading()) take();
  }, [paused]);
  useEffect(() => {
    setEntries([]);
    setUnseen(0);
    waits.current = [];
    let waiting: Numbered[] = [];
    let number = 0;
    let frame: number | undefined;
    const show = () => {
      frame = undefined;
      waits.current = [...waiting.reverse(), ...waits.current].slice(0, shownEntries);
      waiting = [];
      if (isPaused.current || isReading()) setUnseen(waits.current.length);
      else take();
    };
    const onScroll = () => {
      if (waits.current.length > 0 && !isReading() && !isPaused.current) take();
    };
    addEventListener("scroll", onScroll, { passive: true });
    const stop = listenWhileSeen(`/api/logs?${query}`, (source) => {
      // A connection that was lost begins again with what is known already.
      source.addEventListener("open", () => {
        setEntries([]);
        waits.current = [];
        waiting = [];
      });
      source.addEventListener("entry", ({ data }) => {
        waiting.push({ number: number++, entry: JSON.parse(data) });
        frame ??= requestAnimationFrame(show);
      });
    }, () => !isPaused.current && !isReading());
    return () => {
      if (frame !== undefined) cancelAnimationFrame(frame);
      removeEventListener("scroll", onScroll);
      stop();
    };
  }, [query]);
  return { entries, unseen, take };
}

function isReading(): boolean {
  return document.documentElement.scrollTop > 120;
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  return (
    <Empty title={isFiltered ? "Nothing of it is in the log." : "Nothing logged yet."}>
      <p>
        {isFiltered
          ? "The newest entries are kept, since the process began. Entries of the level debug come only where log.level in runtime.yaml is debug."
          : "Entries stand here as they come."}
      </p>
      <p>
        In a terminal: <code>agent logs -f</code>
      </p>
    </Empty>
  );
}

function LogRow({ entry, followed }: { readonly entry: LogEntryView; readonly followed: string | undefined }) {
  const { turn, ...fields } = entry.fields;
  return (
    <li class={`log-row ${entry.level}`}>
      <time dateTime={entry.at} title={new Date(entry.at).toLocaleString()}>
        {new Date(entry.at).toLocaleTimeString(undefined, { hour12: false })}
      </time>
      <span class="level">{entry.level}</span>
      <span>
        <strong>{entry.event}</strong>
        {Object.entries(fields).map(([name, value]) => (
          <span key={name} class="field">
            <span class="soft">{name}=</span>
            {String(value)}
          </span>
        ))}
        {typeof turn === "string" && (
          <span class="field">
            {turn !== followed && <a href={`#/logs/${encodeURIComponent(turn)}`}>follow</a>}{" "}
            <a href={`#/turns/${encodeURIComponent(turn)}`}>timeline</a>
          </span>
        )}
      </span>
    </li>
  );
}
