import { useEffect, useRef, useState } from "preact/hooks";
import type { LogEntryView } from "../../src/http/logs_api.ts";
import { Empty, Head } from "../ui.tsx";

const shownEntries = 500;
const levels = ["debug", "info", "warn", "error"] as const;

/** The log as it comes, by level, event, and a turn that was asked for. */
export function LogsPage({ turn }: { readonly turn: string | undefined }) {
  const [level, setLevel] = useState("info");
  const [event, setEvent] = useState("");
  const [entries, setEntries] = useState<readonly LogEntryView[]>([]);
  const [paused, setPaused] = useState(false);
  const [unseen, setUnseen] = useState(0);
  const waits = useRef<readonly LogEntryView[]>([]);
  const take = () => {
    const fresh = waits.current;
    waits.current = [];
    setUnseen(0);
    setEntries((known) => [...fresh, ...known].slice(0, shownEntries));
  };
  useEffect(() => {
    if (paused) return;
    setEntries([]);
    setUnseen(0);
    waits.current = [];
    const query = new URLSearchParams({
      follow: "1",
      level,
      ...(event === "" ? {} : { event }),
      ...(turn === undefined ? {} : { turn }),
    });
    const source = new EventSource(`/api/logs?${query}`);
    let waiting: LogEntryView[] = [];
    let frame: number | undefined;
    const show = () => {
      frame = undefined;
      const fresh = waiting.reverse();
      waiting = [];
      waits.current = [...fresh, ...waits.current].slice(0, shownEntries);
      // Whoever reads further down is not pushed away from it.
      if (isReading()) setUnseen(waits.current.length);
      else take();
    };
    const onScroll = () => {
      if (waits.current.length > 0 && !isReading()) take();
    };
    addEventListener("scroll", onScroll, { passive: true });
    source.addEventListener("entry", ({ data }) => {
      waiting.push(JSON.parse(data));
      frame ??= requestAnimationFrame(show);
    });
    return () => {
      if (frame !== undefined) cancelAnimationFrame(frame);
      removeEventListener("scroll", onScroll);
      source.close();
    };
  }, [level, event, turn, paused]);
  return (
    <>
      <Head title="Logs">
        {turn !== undefined && <span class="soft mono">turn {turn}</span>}
        <div class="filters">
          <input
            type="search"
            data-search
            aria-label="Beginning of the event"
            placeholder="Event: turn, plugin  /"
            onChange={({ currentTarget }) => setEvent(currentTarget.value.trim())}
          />
          <select aria-label="Level" value={level} onChange={({ currentTarget }) => setLevel(currentTarget.value)}>
            {levels.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
          <button type="button" onClick={() => setPaused(!paused)}>{paused ? "Go on" : "Pause"}</button>
        </div>
      </Head>
      {unseen > 0 && (
        <button
          class="fresh"
          type="button"
          onClick={() => {
            document.documentElement.scrollTop = 0;
            take();
          }}
        >
          {unseen === shownEntries ? `${unseen} or more` : unseen} new
        </button>
      )}
      {entries.length === 0
        ? (
          <Empty title="Nothing logged yet.">
            <p>
              Entries stand here as they come. In a terminal: <code>agent logs -f</code>
            </p>
          </Empty>
        )
        : (
          <ol class="log list" aria-label="Log">
            {entries.map((entry) => (
              <LogRow key={`${entry.at} ${entry.event} ${JSON.stringify(entry.fields)}`} entry={entry} />
            ))}
          </ol>
        )}
    </>
  );
}

function isReading(): boolean {
  return document.documentElement.scrollTop > 120;
}

function LogRow({ entry }: { readonly entry: LogEntryView }) {
  const { turn } = entry.fields;
  return (
    <li class={`log-row ${entry.level}`}>
      <time dateTime={entry.at}>{new Date(entry.at).toLocaleTimeString()}</time>
      <span class="level">{entry.level}</span>
      <span>
        <strong>{entry.event}</strong>{" "}
        <span class="soft">
          {Object.entries(entry.fields).map(([name, value]) => `${name}=${value}`).join("  ")}
        </span>
        {typeof turn === "string" && [" ", <a href={`#/turns/${encodeURIComponent(turn)}`}>timeline</a>]}
      </span>
    </li>
  );
}
