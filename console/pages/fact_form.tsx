import { useState } from "preact/hooks";
import type { Audience, Fact } from "../../src/core/memory.ts";
import type { FactRemember } from "../../src/http/memory_api.ts";

/** Who may be told a fact, in words. */
export const audiences: Readonly<Record<Audience, string>> = {
  person: "only for who told it",
  conversation: "for the conversation it was told in",
  everyone: "for everyone",
};

/** Writes a fact, or another text for one. */
export function FactForm({ fact, onSave, onLeave }: {
  /** The fact that is edited; absent for a new one. */
  readonly fact?: Fact;
  onSave(given: FactRemember): void;
  onLeave(): void;
}) {
  const [text, setText] = useState(fact?.text ?? "");
  const [tags, setTags] = useState(fact?.tags.join(", ") ?? "");
  const [importance, setImportance] = useState(fact?.importance || 0.5);
  const [audience, setAudience] = useState<Audience>(fact?.audience ?? "everyone");
  const [person, setPerson] = useState(fact?.person ?? "");
  const possible = Object.entries(audiences).filter(([name]) =>
    name !== "conversation" || fact?.sessionId !== undefined
  );
  return (
    <form
      class="card edit"
      onSubmit={(event) => {
        event.preventDefault();
        onSave({
          text: text.trim(),
          tags: tags.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""),
          importance,
          audience,
          ...(person.trim() === "" ? {} : { person: person.trim() }),
          ...(fact === undefined ? {} : { replaces: fact.id }),
        });
      }}
    >
      <textarea
        aria-label="The fact"
        placeholder="One fact, understandable on its own"
        rows={3}
        required
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <div class="fields">
        <label>
          Tags
          <input
            type="text"
            placeholder="health, coffee"
            value={tags}
            onInput={({ currentTarget }) => setTags(currentTarget.value)}
          />
        </label>
        <label>
          Who may be told
          <select
            value={audience}
            onChange={({ currentTarget }) => {
              const chosen = possible.find(([name]) => name === currentTarget.value);
              if (chosen !== undefined) setAudience(chosen[0] as Audience); // a key of `audiences`
            }}
          >
            {possible.map(([name, says]) => <option key={name} value={name}>{says}</option>)}
          </select>
        </label>
        {audience === "person" && (
          <label>
            Who told it
            <input
              type="text"
              required
              placeholder="telegram:4711"
              value={person}
              onInput={({ currentTarget }) => setPerson(currentTarget.value)}
            />
          </label>
        )}
        <label>
          Weight, {importance.toFixed(1)}
          <input
            type="range"
            min={0.1}
            max={1}
            step={0.1}
            value={importance}
            onInput={({ currentTarget }) => setImportance(Number(currentTarget.value))}
          />
        </label>
      </div>
      <div class="filters">
        <button type="button" onClick={onLeave}>Cancel</button>
        <button type="submit" class="primary" disabled={text.trim() === ""}>
          {fact === undefined ? "Add" : "Save"}
        </button>
      </div>
    </form>
  );
}
