/** A field of a form for a JSON Schema. */
export interface InputField {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** `lines`: a list of texts, one a line. `json`: what no plain field fits. */
  readonly kind: "text" | "long text" | "number" | "choice" | "yes or no" | "lines" | "json";
  /** What may be chosen, with how it is called. */
  readonly choices: readonly { readonly value: string; readonly title: string }[];
  /** Used by the tool where nothing is given, as text. */
  readonly fallback: string;
}

type Schema = Readonly<Record<string, unknown>>;

/** Texts that may be longer than this get more room, characters. */
const shortChars = 200;

/** The fields of an input's schema, required ones first. */
export function toInputFields(schema: Schema): readonly InputField[] {
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const fields = Object.entries(toSchema(schema["properties"])).map(([name, value]): InputField => {
    const part = toSchema(value);
    const choices = toChoices(part);
    return {
      name,
      description: [part["title"], part["description"]].filter((text) => typeof text === "string").join(". "),
      required: required.includes(name),
      kind: choices.length > 0 ? "choice" : toKind(part),
      choices,
      fallback: part["default"] === undefined ? "" : toText(part["default"]),
    };
  });
  return fields.sort((one, other) => Number(other.required) - Number(one.required));
}

/** What the fields hold, as the input that the schema describes. Empty fields are left out. @throws {SyntaxError} */
export function toInput(fields: readonly InputField[], texts: Readonly<Record<string, string>>): Schema {
  const given = fields.flatMap((field) => {
    const text = texts[field.name] ?? "";
    return text === "" ? [] : [[field.name, toValue(field, text)]];
  });
  return Object.fromEntries(given);
}

/** An input as the texts of its fields. */
export function toTexts(fields: readonly InputField[], input: Schema): Record<string, string> {
  const texts = fields.flatMap(({ name, kind }) => {
    const value = input[name];
    if (value === undefined) return [];
    return [[name, kind === "lines" && Array.isArray(value) ? value.join("\n") : toText(value)]];
  });
  return Object.fromEntries(texts);
}

function toValue({ name, kind, choices }: InputField, text: string): unknown {
  switch (kind) {
    case "text":
    case "long text":
      return text;
    case "choice": {
      // A number among the choices stays a number.
      const isText = choices.every(({ value }) => Number.isNaN(Number(value)) || value === "");
      return isText ? text : Number(text);
    }
    case "number":
      // What is no number is not mended here: the tool's own schema refuses it.
      return Number.isNaN(Number(text)) ? text : Number(text);
    case "yes or no":
      return text === "true";
    case "lines":
      return text.split("\n").filter((line) => line !== "");
    case "json":
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new SyntaxError(`${name} must be JSON, such as ["a"] or {"b": 1}`, { cause: error });
      }
  }
}

function toKind(part: Schema): InputField["kind"] {
  const types = [part["type"]].flat().filter((type) => type !== "null");
  if (types.length !== 1) return "json";
  switch (types[0]) {
    case "string":
      return typeof part["maxLength"] === "number" && part["maxLength"] <= shortChars ? "text" : "long text";
    case "number":
    case "integer":
      return "number";
    case "boolean":
      return "yes or no";
    case "array":
      return toSchema(part["items"])["type"] === "string" ? "lines" : "json";
  }
  return "json";
}

/** Both ways in which schemas name choices: `enum`, and `const` with `title`. */
function toChoices(part: Schema): InputField["choices"] {
  const options = part["oneOf"] ?? part["anyOf"];
  if (Array.isArray(options)) {
    const named = options.map(toSchema).filter((option) => option["const"] !== undefined);
    if (named.length !== options.length) return [];
    return named.map((option) => ({
      value: toText(option["const"]),
      title: toText(option["title"] ?? option["const"]),
    }));
  }
  const values = part["enum"];
  if (!Array.isArray(values)) return [];
  return values.map((value) => ({ value: toText(value), title: toText(value) }));
}

function toSchema(value: unknown): Schema {
  return typeof value === "object" && value !== null ? value as Schema : {}; // any object has unknown values by names
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}
