import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { hops } from "../../src/core/bus.ts";
import type {
  DeadLetterDetail,
  DeadLetterResult,
  DeadLetterSelection,
  DeadLetterView,
} from "../../src/http/dead_letters_api.ts";
import type { Page } from "../../src/http/page_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import { get, post } from "../api.ts";
import {
  Confirm,
  Empty,
  Facts,
  Failure,
  Fold,
  Head,
  Loading,
  More,
  type Question,
  useFresh,
  useLoaded,
  usePages,
  useRemembered,
  When,
} from "../ui.tsx";
import { count, pretty } from "../words.ts";

type Action = "replay" | "purge";

/** Ages by which letters are told apart, milliseconds. */
const ages = [["1 hour", 3_600_000], ["1 day", 86_400_000], ["7 days", 604_800_000]] as const;

/** What a list is narrowed to, as it is typed. */
interface Wanted {
  readonly hop: string;
  readonly subject: string;
  readonly cause: string;
  readonly olderThanMs: number;
}

const everything: Wanted = { hop: "", subject: "", cause: "", olderThanMs: 0 };

/** What could not be delivered or answered, and what to do about it. */
export function DeadLetters({ status }: { readonly status: Signal<Status | undefined> }) {
  const [wanted, setWanted] = useRemembered("wanted", everything);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const filter = toFilter(wanted);
  const load = (before: string | number | undefined, signal: AbortSignal) =>
    get<Page<DeadLetterView>>("/api/dead-letters", { ...filter, before }, signal);
  const { loaded, more, reload } = usePages<DeadLetterView>(load, [JSON.stringify(filter)]);
  const settling = useSettling(() => {
    setChosen(new Set());
    reload();
  });
  const letters = loaded.state === "loaded" ? loaded.value : [];
  const isNarrowed = Object.keys(filter).length > 0;
  const selection = chosen.size > 0 ? { ids: [...chosen] } : { filter };
  const which = chosen.size > 0 ? `${chosen.size} chosen` : isNarrowed ? "all that fit" : "all";
  const choose = (ids: readonly number[], isChosen: boolean) =>
    setChosen(isChosen ? chosen.union(new Set(ids)) : chosen.difference(new Set(ids)));
  // Told a moment after the list itself: how many there are says only when to look, not how many are new.
  const fresh = useFresh(loaded, load, ({ id }) => String(id), `${status.value?.queues.dead.depth} ${letters.length}`);
  return (
    <>
      <Filters
        wanted={wanted}
        onChange={(next) => {
          setWanted(next);
          setChosen(new Set());
        }}
      />
      {settling.shown}
      {fresh > 0 && <button type="button" class="fresh" onClick={reload}>Show {count(fresh, "new dead letter")}
      </button>}
      <Loading of={loaded}>
        {() =>
          letters.length === 0
            ? (
              <Empty title={isNarrowed ? "No dead letter fits." : "Nothing is dead."}>
                {isNarrowed ? <button type="button" onClick={() => setWanted(everything)}>Show all</button> : (
                  <p>
                    What cannot be answered or delivered for good ends here, with its cause, and can be tried again.
                  </p>
                )}
              </Empty>
            )
            : (
              <>
                <div class="bulk">
                  <label>
                    <input
                      type="checkbox"
                      checked={letters.every(({ id }) => chosen.has(id))}
                      onChange={({ currentTarget }) => choose(letters.map(({ id }) => id), currentTarget.checked)}
                    />{" "}
                    Choose the {letters.length} shown
                  </label>
                  <div class="filters">
                    <button type="button" onClick={() => settling.ask("replay", selection)}>Replay {which}</button>
                    <button type="button" class="danger" onClick={() => settling.ask("purge", selection)}>
                      Purge {which}
                    </button>
                  </div>
                </div>
                <div class="list">
                  {letters.map((letter) => (
                    <LetterRow
                      key={letter.id}
                      letter={letter}
                      isChosen={chosen.has(letter.id)}
                      onChoose={(isChosen) => choose([letter.id], isChosen)}
                    />
                  ))}
                </div>
                <More of={more} />
              </>
            )}
      </Loading>
    </>
  );
}

function toFilter(
  { hop, subject, cause, olderThanMs }: Wanted,
): Extract<DeadLetterSelection, { filter: unknown }>["filter"] {
  const known = hops.find((one) => one === hop);
  return {
    ...(known === undefined ? {} : { hop: known }),
    ...(subject.trim() === "" ? {} : { subject: subject.trim() }),
    ...(cause.trim() === "" ? {} : { cause: cause.trim() }),
    ...(olderThanMs === 0 ? {} : { olderThanMs }),
  };
}

function Filters({ wanted, onChange }: { readonly wanted: Wanted; onChange(wanted: Wanted): void }) {
  return (
    <div class="search">
      <select
        aria-label="Where it died"
        value={wanted.hop}
        onChange={({ currentTarget }) => onChange({ ...wanted, hop: currentTarget.value })}
      >
        <option value="">Everywhere</option>
        {hops.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
      <input
        data-search
        type="search"
        aria-label="Subject"
        placeholder="Subject, or its beginning and >"
        value={wanted.subject}
        onChange={({ currentTarget }) => onChange({ ...wanted, subject: currentTarget.value })}
      />
      <input
        type="search"
        aria-label="Cause"
        placeholder="Cause, such as denied"
        value={wanted.cause}
        onChange={({ currentTarget }) => onChange({ ...wanted, cause: currentTarget.value })}
      />
      <select
        aria-label="Age"
        value={wanted.olderThanMs}
        onChange={({ currentTarget }) => onChange({ ...wanted, olderThanMs: Number(currentTarget.value) })}
      >
        <option value={0}>Any age</option>
        {ages.map(([name, ms]) => <option key={ms} value={ms}>Older than {name}</option>)}
      </select>
    </div>
  );
}

/** One dead letter, whole. */
export function DeadLetterPage({ id }: { readonly id: string }) {
  const { loaded, reload } = useLoaded(
    (signal) => get<DeadLetterDetail>(`/api/dead-letters/${encodeURIComponent(id)}`, {}, signal),
    [id],
  );
  const settling = useSettling(reload);
  return (
    <>
      <p>
        <a href="#/bus/dead-letters">← All dead letters</a>
      </p>
      {settling.shown}
      <Loading of={loaded}>
        {(letter) => (
          <>
            <Head title={`Dead letter ${letter.id}`}>
              {letter.replayedAt === null
                ? (
                  <div class="filters">
                    <button type="button" onClick={() => settling.ask("replay", { ids: [letter.id] })}>Replay</button>
                    <button type="button" class="danger" onClick={() => settling.ask("purge", { ids: [letter.id] })}>
                      Purge
                    </button>
                  </div>
                )
                : <span class="soft">replayed</span>}
            </Head>
            <p class="notice bad">{letter.message}</p>
            <Facts
              class="card facts"
              rows={[
                ["Where", letter.hop],
                ["Cause", [letter.kind, letter.reason].filter((part) => part).join(", ")],
                ["Attempts", letter.attempts],
                ["First tried", <When at={letter.firstAt} />],
                ["Died", <When at={letter.at} />],
                ["Subject", letter.subject],
                ["Event", letter.eventId],
              ]}
            />
            {letter.sessionId !== null && (
              <p>
                <a href={`#/sessions/${encodeURIComponent(letter.sessionId)}`}>The session it belongs to</a>
              </p>
            )}
            {letter.hop === "outbound" && letter.replayedAt === null && (
              <EditForm key={letter.id} letter={letter} onSent={reload} />
            )}
            <h2>What died</h2>
            <pre tabIndex={0} class="card">{pretty(letter.body)}</pre>
            <p class="soft">
              From a terminal: <code>agent dlq replay {letter.id}</code>
            </p>
          </>
        )}
      </Loading>
    </>
  );
}

/** Changes what a message says before it goes out after all. */
function EditForm({ letter, onSent }: { readonly letter: DeadLetterDetail; onSent(): void }) {
  const before = textOf(letter.body);
  const [text, setText] = useState(before);
  const [failure, setFailure] = useState<unknown>();
  const send = async (event: Event) => {
    event.preventDefault();
    try {
      await post(`/api/dead-letters/${letter.id}/replay`, { text });
      onSent();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <Fold summary="Change the text, then send it">
      <form class="edit" onSubmit={(event) => void send(event)}>
        <textarea
          aria-label="Text of the message"
          rows={Math.min(16, Math.max(4, text.split("\n").length + 1))}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        {failure !== undefined && <Failure error={failure} />}
        <button type="submit" class="primary" disabled={text.trim() === "" || text === before}>
          Send the changed text
        </button>
      </form>
    </Fold>
  );
}

function textOf(body: unknown): string {
  return typeof body === "object" && body !== null && "text" in body && typeof body.text === "string" ? body.text : "";
}

/** What was done last, in words, or why it was not. */
type Told = { readonly text: string; readonly purge?: number } | { readonly error: unknown };

/** Asks how many letters are meant, and whether they really are, before it acts. A purge can be taken back. */
function useSettling(done: () => void) {
  const [asked, setAsked] = useState<{ action: Action; selection: DeadLetterSelection; question: Question }>();
  const [told, setTold] = useState<Told>();
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      setTold({ error });
    }
  };
  const ask = (action: Action, selection: DeadLetterSelection) =>
    attempt(async () => {
      const meant = await post<DeadLetterResult>(`/api/dead-letters/${action}`, { ...selection, dryRun: true });
      if (meant.count === 0) setTold({ text: "No dead letter is meant by this any more." });
      else setAsked({ action, selection, question: toQuestion(action, meant.count) });
    });
  const answer = (agreed: boolean) =>
    attempt(async () => {
      setAsked(undefined);
      if (!agreed || asked === undefined) return;
      const { action, selection } = asked;
      const { count, purge } = await post<DeadLetterResult>(`/api/dead-letters/${action}`, selection);
      const text = `${letters(count)} ${action === "replay" ? "replayed" : "purged"}.`;
      setTold({ text, ...(purge === undefined ? {} : { purge }) });
      done();
    });
  const undo = (purge: number) =>
    attempt(async () => {
      const restored = await post<{ count: number }>("/api/dead-letters/restore", { purge });
      setTold({ text: `${letters(restored.count)} brought back.` });
      done();
    });
  const shown = (
    <>
      <p role="status" class="soft">
        {told !== undefined && "text" in told && told.text}
        {told !== undefined && "text" in told && told.purge !== undefined && (
          <>
            {" "}
            <button type="button" onClick={() => void undo(told.purge ?? 0)}>Undo</button>
          </>
        )}
      </p>
      {told !== undefined && "error" in told && <Failure error={told.error} />}
      <Confirm question={asked?.question} onAnswer={(agreed) => void answer(agreed)} />
    </>
  );
  return { ask: (action: Action, selection: DeadLetterSelection) => void ask(action, selection), shown };
}

function toQuestion(action: Action, number: number): Question {
  if (action === "replay") {
    return {
      title: `Replay ${letters(number)}?`,
      text: "Each goes back to where it died and is tried again. People may get answers to old messages. " +
        "What is sent cannot be called back.",
      action: `Replay ${number}`,
    };
  }
  return {
    title: `Purge ${letters(number)}?`,
    text: "Nobody is answered. For ten minutes this can be undone, then they are gone for good.",
    action: `Purge ${number}`,
    dangerous: true,
  };
}

function letters(number: number): string {
  return count(number, "dead letter");
}

function LetterRow({ letter, isChosen, onChoose }: {
  readonly letter: DeadLetterView;
  readonly isChosen: boolean;
  onChoose(isChosen: boolean): void;
}) {
  return (
    <div class="row letter">
      <input
        type="checkbox"
        aria-label={`Choose dead letter ${letter.id}`}
        checked={isChosen}
        onChange={({ currentTarget }) => onChoose(currentTarget.checked)}
      />
      <a href={`#/dead-letters/${letter.id}`}>
        <strong>{letter.message}</strong>
        <span class="soft">
          {[letter.hop, letter.reason ?? letter.kind, letter.agent, letter.subject].filter((part) => part).join(" · ")}
        </span>
      </a>
      <When at={letter.at} />
    </div>
  );
}
