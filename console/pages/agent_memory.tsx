import { useState } from "preact/hooks";
import type { Fact, FactPage, Recalled } from "../../src/core/memory.ts";
import type { FactRemember } from "../../src/http/memory_api.ts";
import { get, post } from "../api.ts";
import { Confirm, Empty, Failure, Loading, More, type Question, usePages, When } from "../ui.tsx";
import { count } from "../words.ts";
import { audiences, FactForm } from "./fact_form.tsx";

/** What the page tells of the last change, and how it is taken back. */
type Told =
  | { readonly text: string; undo?(): Promise<unknown> }
  | { readonly error: unknown };

/** What an agent knows across conversations: searched, corrected, added to, and forgotten. */
export function AgentMemory({ agent }: { readonly agent: string }) {
  const root = `/api/agents/${encodeURIComponent(agent)}/memory`;
  const [words, setWords] = useState("");
  const [showsAll, setShowsAll] = useState(false);
  const { loaded, more, reload } = usePages<Fact>(async (after, signal) => {
    if (words !== "") return { items: (await get<Recalled>(`${root}/search`, { q: words, limit: 50 }, signal)).facts };
    const { facts, next } = await get<FactPage>(root, { after, ...(showsAll ? { all: "1" } : {}) }, signal);
    return { items: facts, next };
  }, [agent, words, showsAll]);
  const [adds, setAdds] = useState(false);
  const [edited, setEdited] = useState("");
  const [asked, setAsked] = useState<Fact>();
  const [told, setTold] = useState<Told>();

  const act = async (text: string, work: () => Promise<unknown>, undo?: () => Promise<unknown>) => {
    try {
      await work();
      setTold({ text, ...(undo === undefined ? {} : { undo }) });
      reload();
    } catch (error) {
      setTold({ error });
    }
  };
  const undo = told !== undefined && "text" in told ? told.undo : undefined;
  const weigh = (id: string, importance: number) => post(`${root}/weigh`, { id, importance });
  const forget = ({ id, importance }: Fact) =>
    act("Forgotten: it is not recalled any more.", () => weigh(id, 0), () => weigh(id, importance));
  const save = async (given: FactRemember) => {
    try {
      const { id, supersedes } = await post<Fact>(`${root}/remember`, given);
      setAdds(false);
      setEdited("");
      setTold(
        supersedes.length > 0
          ? { text: "Saved. What stood there before is kept.", undo: () => post(`${root}/restore`, { id }) }
          : { text: "Added.", undo: () => post(`${root}/forget`, { ids: [id] }) },
      );
      reload();
    } catch (error) {
      setTold({ error });
    }
  };
  const question: Question | undefined = asked && {
    title: "Delete this for good?",
    text: `“${asked.text.slice(0, 200)}” is deleted, with ${
      count(asked.supersedes.length, "fact")
    } that it replaced, and nobody can bring it back. What was said in conversations stays there.`,
    action: "Delete for good",
    dangerous: true,
  };
  return (
    <>
      <div class="search">
        <form
          class="search"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            const given = new FormData(event.currentTarget).get("words");
            setWords(typeof given === "string" ? given.trim() : "");
          }}
        >
          <input
            type="search"
            name="words"
            data-search
            aria-label="Search what it knows"
            placeholder="What does it know about …  /"
          />
          <button type="submit">Search</button>
        </form>
        <button type="button" onClick={() => setAdds(true)}>Add a fact</button>
      </div>
      {words === "" && (
        <label class="check">
          <input
            type="checkbox"
            checked={showsAll}
            onChange={({ currentTarget }) => setShowsAll(currentTarget.checked)}
          />{" "}
          Also what was forgotten or replaced
        </label>
      )}
      {adds && <FactForm onSave={(given) => void save(given)} onLeave={() => setAdds(false)} />}
      <p role="status" class="soft">
        {told !== undefined && "text" in told && told.text}
        {undo !== undefined && (
          <>
            {" "}
            <button type="button" class="quiet" onClick={() => void act("Undone.", undo)}>Undo</button>
          </>
        )}
      </p>
      {told !== undefined && "error" in told && <Failure error={told.error} />}
      <Confirm
        question={question}
        onAnswer={(agreed) => {
          setAsked(undefined);
          if (agreed && asked) void act("Deleted for good.", () => post(`${root}/forget`, { ids: [asked.id] }));
        }}
      />
      <Loading of={loaded}>
        {(facts) =>
          facts.length === 0
            ? (
              <Empty title={words === "" ? `${agent} knows nothing yet.` : "It knows nothing about that."}>
                <p>
                  Agents with the tool <code>remember</code>{" "}
                  note what should outlive a conversation. You can add a fact too.
                </p>
              </Empty>
            )
            : (
              <>
                <div class="list">
                  {facts.map((fact) =>
                    fact.id === edited
                      ? (
                        <FactForm
                          key={fact.id}
                          fact={fact}
                          onSave={(given) => void save(given)}
                          onLeave={() => setEdited("")}
                        />
                      )
                      : (
                        <FactRow
                          key={fact.id}
                          fact={fact}
                          onEdit={() => setEdited(fact.id)}
                          onForget={() => void forget(fact)}
                          onBringBack={() => void act("It is recalled again.", () => weigh(fact.id, usualImportance))}
                          onDelete={() => setAsked(fact)}
                        />
                      )
                  )}
                </div>
                <More of={more} />
              </>
            )}
      </Loading>
    </>
  );
}

/** How much a fact weighs that nobody has weighed. */
const usualImportance = 0.5;

function FactRow({ fact, onEdit, onForget, onBringBack, onDelete }: {
  readonly fact: Fact;
  onEdit(): void;
  onForget(): void;
  onBringBack(): void;
  onDelete(): void;
}) {
  const used = fact.recallCount === 0 ? "never recalled" : `recalled ${count(fact.recallCount, "time")}`;
  const isReplaced = fact.supersededBy !== undefined;
  const isForgotten = fact.importance === 0;
  const state = isReplaced ? "replaced" : isForgotten ? "forgotten" : "";
  const start = fact.text.slice(0, 80);
  return (
    <div class="row fact">
      <div>
        <p class={state === "" ? undefined : "soft"}>{fact.text}</p>
        <span class="soft">
          {[
            state,
            fact.author === "operator" ? "written by the operator" : "",
            audiences[fact.audience],
            fact.person,
            used,
            ...fact.tags.map((tag) => `#${tag}`),
          ].filter((part) => part).join(" · ")}
          {fact.turnId !== undefined && [" · ", <a href={`#/turns/${encodeURIComponent(fact.turnId)}`}>told here</a>]}
        </span>
      </div>
      <When at={new Date(fact.createdAtMs).toISOString()} />
      <span class="filters">
        {!isReplaced && !isForgotten && (
          <>
            <button type="button" class="quiet" aria-label={`Edit: ${start}`} onClick={onEdit}>Edit</button>
            <button type="button" class="quiet" aria-label={`Forget: ${start}`} onClick={onForget}>Forget</button>
          </>
        )}
        {!isReplaced && isForgotten && (
          <button type="button" class="quiet" aria-label={`Bring back: ${start}`} onClick={onBringBack}>
            Bring back
          </button>
        )}
        {(isReplaced || isForgotten) && (
          <button type="button" class="quiet bad" aria-label={`Delete for good: ${start}`} onClick={onDelete}>
            Delete for good
          </button>
        )}
      </span>
    </div>
  );
}
