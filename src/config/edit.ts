import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type YAMLMap,
} from "yaml";
import { AppError } from "../core/error.ts";
import type { Path } from "./path.ts";

/** What a config file may be given: plain data, and {@linkcode ConfigReference}s in it. */
export type ConfigValue =
  | string
  | number
  | boolean
  | ConfigReference
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue };

/** A reference such as `${file:./secrets/telegram_sales}`. Plain text can never become one. */
export interface ConfigReference {
  readonly reference: string;
}

/** A value, and where it belongs. An index one past the end of a list makes a new item. */
export interface ConfigChange {
  readonly path: Path;
  readonly value: ConfigValue;
}

/** Makes a {@linkcode ConfigReference} to a file of the `secrets` folder. */
export function toSecretReference(name: string): ConfigReference {
  return { reference: `\${file:./secrets/${name}}` };
}

/**
 * Changes values in the text of a config file. Comments, order and everything that is not changed stay as they are,
 * byte by byte. Text is taken literally: `${` in it begins no reference, and nothing in it ends a value.
 *
 * @throws {AppError} `invalid` for a file that is no YAML, or has something else where a mapping is needed.
 */
export function editConfig(text: string, changes: readonly ConfigChange[]): string {
  const edited = changes.reduce(applyChange, text);
  // New lines end as all the old ones do.
  return /\r\n/.test(text) && !bareLineEnd.test(text)
    ? edited.replaceAll("\r\n", "\n").replaceAll("\n", "\r\n")
    : edited;
}

const bareLineEnd = /(?<!\r)\n/;

/** What `text` says, its references not looked up; `undefined` where it is empty. @throws {AppError} `invalid` */
export function readPlain(text: string): unknown {
  return parse(text).toJS();
}

function applyChange(text: string, { path, value }: ConfigChange): string {
  const document = parse(text);
  const wanted = parse(text);
  const depth = path.findIndex((_, index) => isNull(document.getIn(path.slice(0, index), true)));
  const [place, rest] = depth < 0 ? [path, []] : [path.slice(0, depth), path.slice(depth)];
  let data: unknown;
  try {
    wanted.setIn(place, wanted.createNode(toPlain(nest(rest, value))));
    // Fails where an alias stands for what was replaced.
    data = wanted.toJS();
  } catch (thrown) {
    throw new AppError(
      "invalid",
      `Cannot set ${path.join(".")}: something else stands there, or refers to it. Edit the file by hand`,
      { cause: thrown },
    );
  }
  const spliced = splice(text, document, path, value);
  // The parser has the last word: a splice that says something else is not used.
  return isSame(spliced, data) ? spliced : wanted.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function parse(text: string): Document {
  const document: Document = parseDocument(text, { prettyErrors: false, schema: "core", stringKeys: true });
  if (document.errors.length === 0) return document;
  throw new AppError("invalid", "Cannot edit a file that is not valid YAML. See what is wrong: agent config check");
}

function isSame(text: string | undefined, wanted: unknown): text is string {
  if (text === undefined) return false;
  const document = parseDocument(text, { prettyErrors: false, schema: "core", stringKeys: true });
  return document.errors.length === 0 && JSON.stringify(document.toJS()) === JSON.stringify(wanted);
}

/** The text with the value put in; `undefined` where that is not possible by adding or replacing one piece. */
function splice(text: string, document: Document, path: Path, value: ConfigValue): string | undefined {
  let node = resolve(document, document.contents);
  let depth = 0;
  for (const step of path) {
    const next = isCollection(node) ? resolve(document, node.get(step, true)) : undefined;
    if (next === undefined) break;
    node = next;
    depth++;
  }
  const rest = path.slice(depth);
  const [step] = rest;
  if (node === undefined || depth === 0 && isNull(node)) return joinLines(text, toBlock(nest(rest, value), 0));
  const [start = 0, end = 0] = node.range ?? [];
  if (isEmptyScalar(node)) {
    // Its own range may lie behind a comment.
    const parent = document.getIn(path.slice(0, depth - 1), true);
    const pair = isMap(parent) ? parent.items.find((item) => item.value === node) : undefined;
    if (!isNode(pair?.key)) return undefined;
    const at = text.indexOf(":", pair.key.range?.[1]) + 1;
    return `${text.slice(0, at)} ${toFlow(nest(rest, value))}${text.slice(at)}`;
  }
  if (step === undefined || isNull(node)) return replace(text, start, end, nest(rest, value));
  if (!isCollection(node)) return undefined;
  const nested = nest(rest.slice(1), value);
  if (node.flow === true || node.items.length === 0) {
    const addition = isSeq(node) ? toFlow(nested) : `${toKey(step)}: ${toFlow(nested)}`;
    return addToFlow(text, node, addition, isMap(node));
  }
  return isSeq(node)
    ? insertLines(text, endOf(node), toItem(nested, columnOf(text, start)))
    : isMap(node)
    ? insertLines(text, endOf(node), toPair(step, nested, columnOf(text, firstKeyOf(node))))
    : undefined;
}

function addToFlow(text: string, node: Node, addition: string, isMapping: boolean): string {
  const [start = 0, end = 0] = node.range ?? [];
  const items = isCollection(node) ? node.items.length : 0;
  // Between the brackets may be comments.
  if (items === 0 && /\S/.test(text.slice(start + 1, end - 1))) {
    return `${text.slice(0, start + 1)} ${addition}${text.slice(start + 1)}`;
  }
  if (items === 0) return text.slice(0, start) + (isMapping ? `{ ${addition} }` : `[${addition}]`) + text.slice(end);
  const at = endOf(node);
  return `${text.slice(0, at)}, ${addition}${text.slice(at)}`;
}

/** Where the last thing in a collection ends. */
function endOf(node: Node): number {
  if (!isCollection(node)) return node.range?.[1] ?? 0;
  const last: unknown = node.items.at(-1);
  if (isMap(node)) {
    const pair = node.items.at(-1);
    const value = pair?.value;
    if (isNode(value) && !isEmptyScalar(value)) return isFlow(value) ? value.range?.[1] ?? 0 : endOf(value);
    return isNode(pair?.key) ? (pair.key.range?.[1] ?? 0) + 1 : 0;
  }
  if (!isNode(last)) return node.range?.[1] ?? 0;
  return isFlow(last) ? last.range?.[1] ?? 0 : endOf(last);
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isCollection(value) || isAlias(value);
}

function isFlow(node: Node): boolean {
  return isCollection(node) && node.flow === true;
}

function isNull(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

function isEmptyScalar(node: Node): boolean {
  return isNull(node) && node.range?.[0] === node.range?.[1];
}

function resolve(document: Document, node: unknown): Node | undefined {
  // What an alias stands for belongs to somebody else too: it is not edited through it.
  if (isAlias(node)) return undefined;
  return isNode(node) && document.contents !== null ? node : undefined;
}

function firstKeyOf(node: YAMLMap): number {
  const key = node.items[0]?.key;
  return isNode(key) ? key.range?.[0] ?? 0 : 0;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf("\n", offset - 1) + 1);
}

function replace(text: string, start: number, end: number, value: ConfigValue): string {
  const before = text.slice(start, end);
  const [, indent] = /^[|>].*\n\s*?( +)\S/.exec(before) ?? [];
  const isBlock = indent !== undefined && typeof value === "string" && isBlockText(value);
  // The range of a block text reaches over its last line end.
  const tail = before.endsWith("\n") ? "\n" : "";
  return text.slice(0, start) + (isBlock ? toBlockText(value, indent) : toFlow(value)) + tail + text.slice(end);
}

/** Inserts lines below the one that holds `offset`, and below the comments that follow it and belong to it. */
function insertLines(text: string, offset: number, lines: string): string {
  const indent = /^ */.exec(lines)?.[0] ?? "";
  let at = offset;
  if (text[at - 1] !== "\n") {
    const lineEnd = text.indexOf("\n", at);
    at = lineEnd < 0 ? text.length : lineEnd + 1;
  }
  const start = at;
  at += commentsAt(text, at, indent);
  // A key at the same depth, below a list that is not indented: comments at its depth are that key's.
  if (text.startsWith(indent, at) && /[^\s#-]/.test(text.charAt(at + indent.length))) {
    at = start + commentsAt(text, start, `${indent} `);
  }
  return joinLines(text.slice(0, at), lines) + text.slice(at);
}

/** Length of the lines of comments that begin there, indented by `indent` or more. */
function commentsAt(text: string, at: number, indent: string): number {
  const comments = new RegExp(`(?:${indent} *#.*(?:\n|$))*`, "y");
  comments.lastIndex = at;
  return comments.exec(text)?.[0].length ?? 0;
}

function joinLines(text: string, lines: string): string {
  return text === "" || text.endsWith("\n") ? text + lines : `${text}\n${lines}`;
}

function nest(rest: Path, value: ConfigValue): ConfigValue {
  return rest.reduceRight<ConfigValue>((inner, step) => typeof step === "number" ? [inner] : { [step]: inner }, value);
}

function toPlain(value: ConfigValue): unknown {
  if (isReference(value)) return value.reference;
  if (typeof value === "string") return escapeReferences(value);
  if (isList(value)) return value.map(toPlain);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toPlain(part)]));
}

/** A value on one line. JSON's texts are YAML's. */
function toFlow(value: ConfigValue): string {
  if (isReference(value)) return JSON.stringify(value.reference);
  if (typeof value === "string") return toText(value);
  if (isList(value)) return `[${value.map(toFlow).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).map(([key, part]) => `${toKey(key)}: ${toFlow(part)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/** A value on lines of its own: mappings and lists of mappings unfold, the rest stays on one line. */
function toBlock(value: ConfigValue, column: number): string {
  if (isList(value)) return value.map((item) => toItem(item, column)).join("");
  if (!isMapping(value)) return `${" ".repeat(column)}${toFlow(value)}\n`;
  return Object.entries(value).map(([key, part]) => toPair(key, part, column)).join("");
}

function toItem(value: ConfigValue, column: number): string {
  const indent = " ".repeat(column);
  if (!isMapping(value)) return `${indent}- ${toFlow(value)}\n`;
  return `${indent}- ${toBlock(value, column + 2).slice(column + 2)}`;
}

function toPair(key: string | number, value: ConfigValue, column: number): string {
  const start = `${" ".repeat(column)}${toKey(key)}:`;
  if (isList(value) && value.some(isMapping)) return `${start}\n${toBlock(value, column + 2)}`;
  if (isMapping(value)) return `${start}\n${toBlock(value, column + 2)}`;
  if (typeof value === "string" && value.includes("\n") && isBlockText(value)) {
    return `${start} ${toBlockText(value, " ".repeat(column + 2))}\n`;
  }
  return `${start} ${toFlow(value)}\n`;
}

function toBlockText(text: string, indent: string): string {
  const lines = escapeReferences(text).split("\n").map((line) => line === "" ? "" : indent + line);
  return `|-\n${lines.join("\n")}`;
}

/** Whether a text reads the same as an indented block: no odd spaces at its edges, nothing that is not shown. */
function isBlockText(text: string): boolean {
  return /^\S/.test(text) && /\S$/.test(text) && !/[^\P{C}\n]/u.test(text);
}

function toKey(key: string | number): string {
  return toText(String(key));
}

const plainText = /^[A-Za-z][A-Za-z0-9_-]*$/;
/** What readers of YAML 1.1, such as other tools, take for something else than text. */
const reserved = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function toText(text: string): string {
  return plainText.test(text) && !reserved.test(text) ? text : JSON.stringify(escapeReferences(text));
}

function escapeReferences(text: string): string {
  return text.replaceAll("${", () => "$${");
}

function isReference(value: ConfigValue): value is ConfigReference {
  return typeof value === "object" && "reference" in value && typeof value.reference === "string";
}

function isList(value: ConfigValue): value is readonly ConfigValue[] {
  return Array.isArray(value);
}

function isMapping(value: ConfigValue): value is { readonly [key: string]: ConfigValue } {
  return typeof value === "object" && !isList(value) && !isReference(value) && Object.keys(value).length > 0;
}
