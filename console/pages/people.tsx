import { useEffect, useState } from "preact/hooks";
import type { Activity } from "../../src/http/activity_api.ts";
import type { PairingView, PairingWhom } from "../../src/http/people_api.ts";
import { get, post } from "../api.ts";
import { Confirm, Empty, Failure, Loading, More, Pill, type Question, usePages, When } from "../ui.tsx";

type Decision = "approve" | "deny" | "revoke";

/** Who asked to be let in and who was, with what can be said about each. Asked again when something has gone on. */
export function People({ activity }: { readonly activity: Activity | undefined }) {
  const waiting = usePages<PairingView>((before, signal) => load("pending", before, signal), []);
  const known = usePages<PairingView>((before, signal) => load("", before, signal), []);
  const [code, setCode] = useState("");
  const deciding = useDeciding(() => {
    setCode("");
    waiting.reload();
    known.reload();
  });
  useEffect(() => waiting.reload(), [activity]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (code.trim() !== "") deciding.decide("approve", { code: code.trim() });
  };
  return (
    <section>
      <header class="head">
        <h2>Who may talk</h2>
        <form class="filters" onSubmit={submit}>
          <input
            aria-label="Code"
            placeholder="Code"
            autocomplete="off"
            value={code}
            onInput={({ currentTarget }) => setCode(currentTarget.value)}
          />
          <button type="submit" class="primary">Let in</button>
        </form>
      </header>
      {deciding.shown}
      <Loading of={waiting.loaded}>
        {(people) => <PersonList people={people} deciding={deciding} />}
      </Loading>
      <More of={waiting.more} text="Show more who wait" />
      <Loading of={known.loaded}>
        {(people) => {
          const decided = people.filter(({ state }) => state !== "pending");
          return decided.length > 0
            ? <PersonList people={decided} deciding={deciding} />
            : (
              <Empty title="Nobody was let in by a code yet.">
                <p>Whom allow_from does not name gets a code. Whoever tells it to you can be let in here.</p>
              </Empty>
            );
        }}
      </Loading>
      <More of={known.more} />
    </section>
  );
}

function load(state: string, before: string | number | undefined, signal: AbortSignal) {
  return get<{ items: readonly PairingView[]; next?: number }>("/api/pairings", { state, before }, signal);
}

interface Deciding {
  decide(decision: Decision, whom: PairingWhom): void;
  /** Decides once it was agreed to. */
  ask(decision: Decision, person: PairingView, action: string): void;
}

function PersonList({ people, deciding }: { readonly people: readonly PairingView[]; readonly deciding: Deciding }) {
  if (people.length === 0) return null;
  return (
    <div class="list">
      {people.map((person) => <PersonRow key={person.id} person={person} deciding={deciding} />)}
    </div>
  );
}

function PersonRow({ person, deciding }: { readonly person: PairingView; readonly deciding: Deciding }) {
  const { id, name, sender, plugin, instance, agent, state, code, askedAt, decidedAt, decidedBy } = person;
  return (
    <div class="row person">
      <div>
        <strong>{name || sender}</strong> <span class="soft">{sender} on {plugin}.{instance}, to {agent}</span>
      </div>
      <span class="soft">
        {code !== null && <code>{code}</code>} <When at={decidedAt ?? askedAt} />
        {decidedBy !== null && ` by ${decidedBy}`}
      </span>
      <Pill state={state} />
      <div class="filters">
        {state === "pending" && (
          <>
            <button type="button" class="primary" onClick={() => deciding.decide("approve", { id })}>Let in</button>
            <button type="button" class="danger" onClick={() => deciding.ask("deny", person, "Deny")}>Deny</button>
          </>
        )}
        {state === "approved" && (
          <button
            type="button"
            class="danger"
            onClick={() => deciding.ask("revoke", person, "Revoke")}
          >
            Revoke
          </button>
        )}
        {(state === "denied" || state === "revoked") && (
          <button
            type="button"
            onClick={() => deciding.ask("approve", person, "Let in")}
          >
            Let in
          </button>
        )}
      </div>
    </div>
  );
}

/** Says something about somebody, after asking where a code does not stand for it. */
function useDeciding(done: () => void) {
  const [asked, setAsked] = useState<{ decision: Decision; id: number; question: Question }>();
  const [told, setTold] = useState<{ text: string } | { error: unknown }>();
  const settle = async (decision: Decision, whom: PairingWhom) => {
    try {
      const { name, sender, state } = await post<PairingView>(`/api/pairings/${decision}`, whom);
      setTold({ text: `${name || sender} is ${state}.` });
      done();
    } catch (error) {
      setTold({ error });
    }
  };
  const answer = (agreed: boolean) => {
    setAsked(undefined);
    if (agreed && asked !== undefined) void settle(asked.decision, { id: asked.id });
  };
  const shown = (
    <>
      <p role="status" class="soft">{told !== undefined && "text" in told ? told.text : ""}</p>
      {told !== undefined && "error" in told && <Failure error={told.error} />}
      <Confirm question={asked?.question} onAnswer={answer} />
    </>
  );
  return {
    shown,
    decide: (decision: Decision, whom: PairingWhom) => void settle(decision, whom),
    ask(decision: Decision, person: PairingView, action: string) {
      const { id, name, sender, plugin, instance } = person;
      const title = `${action}: ${name || sender}?`;
      const text = decision === "approve"
        ? `${sender} on ${plugin}.${instance} gets answers again.`
        : `${sender} on ${plugin}.${instance} gets no answer and no further code.`;
      setAsked({ decision, id, question: { title, text, action, dangerous: decision !== "approve" } });
    },
  };
}
