import type { RefObject } from "preact";
import type { ConfigOptionView } from "../../src/http/config_api.ts";
import type { YamlPlace } from "../../src/lib/yaml_place.ts";
import { pretty } from "../words.ts";

/** What stands under the cursor, and what could: keys of this place, or values of this key. */
export function ConfigHelp({ id, list, options, place, onTake, onLeave }: {
  readonly id: string;
  readonly list: RefObject<HTMLUListElement | null>;
  readonly options: readonly ConfigOptionView[];
  readonly place: YamlPlace | undefined;
  /** Puts a text in the place of the word under the cursor. */
  onTake(text: string): void;
  /** Goes back to the editor. */
  onLeave(): void;
}) {
  if (place === undefined) return <aside class="card help" aria-label="About this place" id={id} />;
  const { path, isKey, word } = place;
  const known = find(options, isKey && word !== "" ? [...path, word] : path);
  const choices = isKey ? toKeys(options, path, known === undefined ? word : "") : known?.values ?? [];
  return (
    <aside class="card help" aria-label="About this place" id={id}>
      {known === undefined
        ? <p class="soft">{path.length === 0 ? "Keys of this file:" : <code>{path.join(".")}</code>}</p>
        : (
          <>
            <p>
              <strong class="mono">{known.path}</strong>{" "}
              <span class="soft">
                {known.type}
                {known.required && ", required"}
                {known.default !== undefined && `, default ${pretty(known.default)}`}
              </span>
            </p>
            {known.description !== undefined && <p>{known.description}</p>}
          </>
        )}
      {choices.length > 0 && (
        <ul
          ref={list}
          class="chips"
          aria-label={isKey ? "Keys that can stand here" : "Values that can stand here"}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              event.stopPropagation();
              return onLeave();
            }
            const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
            if (step === undefined) return;
            event.preventDefault();
            const buttons = [...event.currentTarget.querySelectorAll("button")];
            const at = buttons.findIndex((one) => one === document.activeElement);
            buttons[(at + step + buttons.length) % buttons.length]?.focus();
          }}
        >
          {choices.map((choice) => (
            <li key={choice}>
              <button
                type="button"
                class="chip mono"
                title={find(options, [...path, choice])?.description}
                onClick={() => onTake(isKey ? `${choice}: ` : choice)}
              >
                {choice}
              </button>
            </li>
          ))}
        </ul>
      )}
      <p class="hint">Ctrl and space go to what can stand here, Esc comes back. Tab leaves the editor.</p>
    </aside>
  );
}

/** Lists count for nothing, and a name that the user chooses fits any key. */
function fits(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((part, at) => part === "<name>" || part === path[at]);
}

function toParts({ path }: ConfigOptionView): readonly string[] {
  return path.replaceAll("[]", "").split(".");
}

function find(options: readonly ConfigOptionView[], path: readonly string[]): ConfigOptionView | undefined {
  return options.find((option) => fits(toParts(option), path));
}

/** Keys of the mapping at `path` that hold what is typed; all of them where none does. */
function toKeys(options: readonly ConfigOptionView[], path: readonly string[], typed: string): readonly string[] {
  const keys = options.map(toParts).filter((parts) => fits(parts.slice(0, -1), path)).map((parts) =>
    parts.at(-1) ?? ""
  );
  const all = [...new Set(keys)].filter((key) => key !== "<name>");
  const like = all.filter((key) => key.includes(typed));
  return like.length === 0 ? all : like;
}
