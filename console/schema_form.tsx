import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { type InputField, toInput, toInputFields, toTexts } from "../src/lib/input_fields.ts";
import { messageOf } from "./api.ts";
import { pretty } from "./words.ts";

type Input = Readonly<Record<string, unknown>>;

/** A form for what a JSON Schema describes, or the same as JSON. */
export function SchemaForm({ schema, action, onSubmit, children }: {
  readonly schema: Input;
  /** What the button says. */
  readonly action: string;
  onSubmit(input: unknown): void;
  /** Further buttons. */
  readonly children?: ComponentChildren;
}) {
  const fields = useMemo(() => toInputFields(schema), [schema]);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [json, setJson] = useState<string>();
  const [fault, setFault] = useState("");
  const attempt = (work: () => void) => {
    try {
      work();
      setFault("");
    } catch (error) {
      setFault(messageOf(error));
    }
  };
  const switchOver = () =>
    attempt(() => {
      if (json === undefined) return setJson(pretty(toInput(fields, texts)));
      setTexts(toTexts(fields, readObject(json)));
      setJson(undefined);
    });
  return (
    <form
      class="edit"
      onSubmit={(event) => {
        event.preventDefault();
        attempt(() => onSubmit(json === undefined ? toInput(fields, texts) : parse(json)));
      }}
    >
      {json !== undefined
        ? (
          <textarea
            class="code"
            aria-label="The input as JSON"
            spellcheck={false}
            rows={Math.min(20, Math.max(5, json.split("\n").length + 1))}
            value={json}
            onInput={({ currentTarget }) => setJson(currentTarget.value)}
          />
        )
        : fields.length === 0
        ? <p class="soft">It takes nothing.</p>
        : (
          <div class="fields">
            {fields.map((field) => (
              <label key={field.name} class={field.kind === "long text" || field.kind === "json" ? "wide" : undefined}>
                <span>
                  <strong class="mono">{field.name}</strong>
                  {field.required ? "" : " (may be left out)"} {field.description}
                </span>
                <Field
                  field={field}
                  text={texts[field.name] ?? ""}
                  onText={(text) =>
                    setTexts({ ...texts, [field.name]: text })}
                />
              </label>
            ))}
          </div>
        )}
      {fault !== "" && <p class="notice bad" role="alert">{fault}</p>}
      <div class="filters">
        <button type="button" class="quiet" onClick={switchOver}>
          {json === undefined ? "As JSON" : "As a form"}
        </button>
        {children}
        <button type="submit" class="primary">{action}</button>
      </div>
    </form>
  );
}

function Field({ field, text, onText }: {
  readonly field: InputField;
  readonly text: string;
  onText(text: string): void;
}) {
  const { name, required, kind, choices, fallback } = field;
  const shared = { name, required, value: text, placeholder: fallback };
  switch (kind) {
    case "choice":
    case "yes or no": {
      const options = kind === "choice" ? choices : [{ value: "true", title: "yes" }, { value: "false", title: "no" }];
      return (
        <select {...shared} onChange={({ currentTarget }) => onText(currentTarget.value)}>
          <option value="">{fallback === "" ? "" : `${fallback}, unless chosen otherwise`}</option>
          {options.map(({ value, title }) => <option key={value} value={value}>{title}</option>)}
        </select>
      );
    }
    case "text":
      return <input type="text" {...shared} onInput={({ currentTarget }) => onText(currentTarget.value)} />;
    case "number":
      return (
        <input
          type="number"
          step="any"
          {...shared}
          onInput={({ currentTarget }) => onText(currentTarget.value)}
        />
      );
    case "long text":
    case "lines":
    case "json":
      return (
        <textarea
          {...shared}
          rows={kind === "json" ? 3 : 2}
          placeholder={kind === "lines" ? "one a line" : kind === "json" ? "JSON" : fallback}
          onInput={({ currentTarget }) => onText(currentTarget.value)}
        />
      );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${messageOf(error)}`);
  }
}

function readObject(text: string): Input {
  const value = parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Input; // checked here
  throw new Error("Only an object fits into the form. Write it as {…}");
}
