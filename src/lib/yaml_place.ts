/** Where a cursor stands in a YAML text. Lists count for nothing: what their items hold is named as if there were one. */
export interface YamlPlace {
  /** Keys of the mappings around the cursor, the outermost first; at a value, its own key last. */
  readonly path: readonly string[];
  /** Whether a key is written here, or a value. */
  readonly isKey: boolean;
  /** The word that the cursor touches; may be empty. */
  readonly word: string;
  /** Where the word begins and ends, offsets in the text. */
  readonly from: number;
  readonly to: number;
}

const keyLine = /^(\s*)((?:- +)*)("[^"]*"|'[^']*'|[^\s"'#{}[\],:][^\s:#{}[\],]*)\s*:(?=\s|$)(.*)$/;
const wordPart = /[\w.$-]/;

/**
 * Finds out where `offset` stands, by indentation and, on its own line, by braces. `undefined` inside a comment. It reads
 * what is being typed, which is seldom YAML yet: it guesses and never fails.
 */
export function findYamlPlace(text: string, offset: number): YamlPlace | undefined {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const line = text.slice(start, text.indexOf("\n", offset) === -1 ? undefined : text.indexOf("\n", offset));
  const before = line.slice(0, offset - start);
  if (/(?:^|\s)#/.test(withoutQuotes(before))) return undefined;
  let from = offset - start;
  while (from > 0 && wordPart.test(line[from - 1] ?? "")) from--;
  let to = offset - start;
  while (wordPart.test(line[to] ?? "")) to++;
  const word = { word: line.slice(from, to), from: start + from, to: start + to };

  const [, dashes = ""] = /^(\s*(?:- +)*)/.exec(line) ?? [];
  const parents = findParents(text.slice(0, start).split("\n").slice(0, -1), Math.min(dashes.length, before.length));
  if (parents.isText) return { path: parents.path, isKey: false, ...word };
  const { path, isKey } = walkLine(line.slice(0, from).slice(dashes.length), parents.path);
  return { path, isKey, ...word };
}

/** Keys under which a line stands that begins at `indent`. */
function findParents(lines: readonly string[], indent: number): { path: string[]; isText: boolean } {
  const path: string[] = [];
  let isText = false;
  let inner = indent;
  for (const line of lines.toReversed()) {
    if (inner === 0) break;
    const [, space = "", dashes = "", key, value = ""] = keyLine.exec(line) ?? [];
    if (key === undefined || space.length + dashes.length >= inner) continue;
    if (path.length === 0) isText = /^\s*[|>][+-]?\d?\s*(?:#.*)?$/.test(value);
    path.unshift(toName(key));
    inner = space.length + dashes.length;
  }
  return { path, isText };
}

/** Goes through a line from its first key on: braces open mappings and brackets lists. */
function walkLine(line: string, parents: readonly string[]): { path: readonly string[]; isKey: boolean } {
  let inner: Frame = { isList: false };
  const outer: Frame[] = [];
  let word = "";
  for (const token of line.match(tokens) ?? []) {
    if (token === ":" && word !== "") inner = { ...inner, key: toName(word) };
    else if (token === "{" || token === "[") {
      outer.push(inner);
      inner = { isList: token === "[" };
    } else if (token === "}" || token === "]") inner = outer.pop() ?? inner;
    else if (token === ",") inner = { isList: inner.isList };
    else if (token.trim() !== "") {
      word = token;
      continue;
    } else continue;
    word = "";
  }
  const keys = [...outer, inner].flatMap(({ key }) => key === undefined ? [] : [key]);
  return { path: [...parents, ...keys], isKey: !inner.isList && inner.key === undefined };
}

/** A mapping or a list on one line, with the key whose value is being written. */
interface Frame {
  readonly isList: boolean;
  readonly key?: string;
}

const tokens = /"[^"]*"|'[^']*'|:(?=\s|$|["'{[])|[{}[\],]|\s+|[^\s"'{}[\],:]+|./g;

function toName(key: string): string {
  return key.replace(/^(["'])(.*)\1$/, "$2");
}

/** The same length, with quoted parts blanked out: what looks like a comment in them is none. */
function withoutQuotes(text: string): string {
  return text.replace(/"[^"]*"|'[^']*'/g, (quoted) => "_".repeat(quoted.length));
}
