import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { hops } from "../../src/core/bus.ts";
import type { DeadLetterDetail, DeadLetterSelection, DeadLetterView } from "../../src/http/dead_letters_api.ts";
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
  Pill,
  type Question,
  useLoaded,
  usePages,
  When,
} from "../ui.tsx";
import { count, duration, pretty } from "../words.ts";

type Action = "replay" | "purge";

/** What could not be delivered or answered, and what to do about it. */
export function DeadLettersPage({ status }: { readonly status: Signal<Status | undefined> }) {
  const [hop, setHop] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const { loaded, more, reload } = usePages<DeadLetterView>(
    (before, signal) => get("/api/dead-letters", { hop, before }, signal),
    [hop],
  );
  const settling = useSettling(() => {
    setChosen(new Set());
    reload();
  });
  const known = hops.find((one) => one === hop);
  const selection = chosen.size > 0 ? { ids: [...chosen] } : { filter: known === undefined ? {} : { hop: known } };
  const which = chosen.size === 0 ? "all" : `${chosen.size} chosen`;
  const choose = (id: number, isChosen: boolean) => {
    const next = new Set(chosen);
    if (isChosen) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const isEmpty = loaded.state === "loaded" && loaded.value.length === 0;
  return (
    <>
      <Head title="Dead letters">
        <div class="filters">
          <select aria-label="Where it died" onChange={({ currentTarget }) => setHop(currentTarget.value)}>
            <option value="">Everywhere</option>
            {hops.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
          <button type="button" hidden={isEmpty} onClick={() => settling.ask("replay", selection)}>
            Replay {which}
          </button>
          <button type="button" hidden={isEmpty} class="danger" onClick={() => settling.ask("purge", selection)}>
            Purge {which}
          </button>
        </div>
      </Head>
      {settling.shown}
      <BusFacts status={status.value} />
      <Loading of={loaded}>
        {(letters) =>
          letters.length === 0
            ? (
              <Empty title="Nothing is dead.">
                <p>What cannot be answered or delivered for good ends here, with its cause, and can be tried again.</p>
              </Empty>
            )
            : (
              <>
                <div class="list">
                  {letters.map((letter) => (
                    <LetterRow key={letter.id} letter={letter} isChosen={chosen.has(letter.id)} onChoose={choose} />
                  ))}
                </div>
                <More onClick={more} />
              </>
            )}
      </Loading>
    </>
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
        <a href="#/dead-letters">← All dead letters</a>
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

/** How much is under way, and how the bus stands. */
function BusFacts({ status }: { readonly status: Status | undefined }) {
  if (status === undefined) return null;
  const { inbox, outbox, spill } = status.queues;
  const bus = status.subsystems.find(({ name }) => name === "bus");
  const say = ({ depth, oldestSeconds }: Status["queues"]["inbox"]) =>
    depth === 0 ? "nothing" : `${depth.toLocaleString()}, the oldest for ${duration(oldestSeconds * 1_000)}`;
  return (
    <Facts
      class="card facts"
      rows={[
        ["Bus", bus?.reason ?? <Pill state={bus?.state ?? "ok"} />],
        ["To be answered", say(inbox)],
        ["To be sent", say(outbox)],
        ["Spilled to disk, for NATS", say(spill)],
      ]}
    />
  );
}

/** Asks how many letters are meant, and whether they really are, before it acts. */
function useSettling(done: () => void) {
  const [asked, setAsked] = useState<{ action: Action; selection: DeadLetterSelection; question: Question }>();
  const [told, setTold] = useState<{ text: string } | { error: unknown }>();
  const ask = async (action: Action, selection: DeadLetterSelection) => {
    try {
      const meant = await post<{ count: number }>(`/api/dead-letters/${action}`, { ...selection, dryRun: true });
      setAsked({ action, selection, question: toQuestion(action, meant.count) });
    } catch (error) {
      setTold({ error });
    }
  };
  const answer = async (agreed: boolean) => {
    setAsked(undefined);
    if (!agreed || asked === undefined) return;
    try {
      const { action, selection } = asked;
      const settled = await post<{ count: number }>(`/api/dead-letters/${action}`, selection);
      setTold({ text: `${letters(settled.count)} ${action === "replay" ? "replayed" : "purged"}.` });
      done();
    } catch (error) {
      setTold({ error });
    }
  };
  const shown = (
    <>
      <p role="status" class="soft">{told !== undefined && "text" in told ? told.text : ""}</p>
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
      text: "Each goes back to where it died and is tried again. People may get answers to old messages.",
      action: `Replay ${number}`,
    };
  }
  return {
    title: `Purge ${letters(number)}?`,
    text: "They are deleted for good and cannot be brought back. Nobody is answered.",
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
  onChoose(id: number, isChosen: boolean): void;
}) {
  return (
    <div class="row letter">
      <input
        type="checkbox"
        aria-label={`Choose dead letter ${letter.id}`}
        checked={isChosen}
        onChange={({ currentTarget }) => onChoose(letter.id, currentTarget.checked)}
      />
      <a href={`#/dead-letters/${letter.id}`}>
        <strong>{letter.message}</strong>
        <span class="soft">{[letter.hop, letter.agent, letter.subject].filter((part) => part).join(" · ")}</span>
      </a>
      <When at={letter.at} />
    </div>
  );
}
