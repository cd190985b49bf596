import { useState } from "preact/hooks";
import type { Fact, FactPage, Recalled } from "../../src/core/memory.ts";
import { get, post } from "../api.ts";
import { Confirm, Empty, Failure, Loading, More, type Question, usePages, When } from "../ui.tsx";
import { count } from "../words.ts";

/** What an agent knows across conversations: searched, and forgotten. */
export function AgentMemory({ agent }: { readonly agent: string }) {
  const root = `/api/agents/${encodeURIComponent(agent)}/memory`;
  const [words, setWords] = useState("");
  const { loaded, more, reload } = usePages<Fact>(async (after, signal) => {
    if (words !== "") return { items: (await get<Recalled>(`${root}/search`, { q: words, limit: 50 }, signal)).facts };
    const { facts, next } = await get<FactPage>(root, { after }, signal);
    return { items: facts, next };
  }, [agent, words]);
  const [asked, setAsked] = useState<Fact>();
  const [told, setTold] = useState<{ text: string } | { error: unknown }>();
  const question: Question | undefined = asked && {
    title: "Forget this?",
    text: `“${asked.text.slice(0, 200)}” is deleted for good, with ${
      count(asked.supersedes.length, "fact")
    } that it replaced. What was said in conversations stays there.`,
    action: "Forget",
    dangerous: true,
  };
  const answer = async (agreed: boolean) => {
    setAsked(undefined);
    if (!agreed || asked === undefined) return;
    try {
      await post(`${root}/forget`, { ids: [asked.id] });
      setTold({ text: "Forgotten." });
      reload();
    } catch (error) {
      setTold({ error });
    }
  };
  return (
    <>
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
      <p role="status" class="soft">{told !== undefined && "text" in told ? told.text : ""}</p>
      {told !== undefined && "error" in told && <Failure error={told.error} />}
      <Confirm question={question} onAnswer={(agreed) => void answer(agreed)} />
      <Loading of={loaded}>
        {(facts) =>
          facts.length === 0
            ? (
              <Empty title={words === "" ? `${agent} knows nothing yet.` : "It knows nothing about that."}>
                <p>
                  Agents with the tool <code>remember</code> note what should outlive a conversation.
                </p>
              </Empty>
            )
            : (
              <>
                <div class="list">
                  {facts.map((fact) => <FactRow key={fact.id} fact={fact} onForget={() => setAsked(fact)} />)}
                </div>
                <More onClick={more} />
              </>
            )}
      </Loading>
    </>
  );
}

const audiences = {
  person: "only for who told it",
  conversation: "for the conversation it was told in",
  everyone: "for everyone",
} as const;

function FactRow({ fact, onForget }: { readonly fact: Fact; onForget(): void }) {
  const used = fact.recallCount === 0 ? "never recalled" : `recalled ${count(fact.recallCount, "time")}`;
  return (
    <div class="row fact">
      <div>
        <p>{fact.text}</p>
        <span class="soft">
          {[audiences[fact.audience], fact.person, used, ...fact.tags.map((tag) => `#${tag}`)]
            .filter((part) => part).join(" · ")}
          {fact.turnId !== undefined && [" · ", <a href={`#/turns/${encodeURIComponent(fact.turnId)}`}>told here</a>]}
        </span>
      </div>
      <When at={new Date(fact.createdAtMs).toISOString()} />
      <button type="button" class="quiet" aria-label={`Forget: ${fact.text.slice(0, 80)}`} onClick={onForget}>
        Forget
      </button>
    </div>
  );
}
