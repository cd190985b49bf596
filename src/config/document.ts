import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  visitAsync,
} from "yaml";
import type { ConfigFault } from "./fault.ts";
import { type Path, toPathText } from "./path.ts";
import {
  type ReferenceFound,
  type ReferenceProblem,
  type ReferenceScope,
  resolveReferences,
  whyUnreadable,
} from "./references.ts";

/** Where something stands in a file, 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One config file: read, parsed, its references resolved, not yet checked against a schema. */
export interface ConfigDocument {
  /** File as people see it, such as `config/llm.yaml`. */
  readonly file: string;
  /** Plain data; `{}` where the file is absent, empty or no YAML. */
  readonly value: unknown;
  /** Whether the text could be parsed. Where not, its absence from cross checks means nothing. */
  readonly readable: boolean;
  /** Where the key or item at `path` stands, or the nearest thing above that is there. */
  position(path: Path): Position | undefined;
  /** Where a value that was put together from references came from, in words. */
  source(path: Path): string | undefined;
  /** Paths that have a fault already, so that their substitute value is not complained about as well. */
  readonly faulty: readonly Path[];
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
  /** Real paths of secret files that it names. */
  readonly secretFiles: readonly string[];
  /** What was put in for its references. */
  readonly found: readonly ReferenceFound[];
}

/** Far beyond any config written by hand; keeps a wrong file from filling the memory. */
const maxFileBytes = 1_000_000;

/** An alias may be used for convenience, not to blow a file up ("billion laughs"). */
const maxAliases = 100;

/** Reads and parses `path`; `file` is how people see it. Whatever is wrong becomes a fault of the document. */
export async function readDocument(path: string, file: string, scope: ReferenceScope): Promise<ConfigDocument> {
  const read = await readText(path);
  if ("message" in read) return newUnreadableDocument(file, [{ file, path: "", ...read }]);
  return await toDocument(read.text, file, scope);
}

/** Parses the text of a file; `file` is how people see it. Whatever is wrong becomes a fault of the document. */
export async function toDocument(text: string, file: string, scope: ReferenceScope): Promise<ConfigDocument> {
  const counter = new LineCounter();
  try {
    return await parse(text, counter, file, scope);
  } catch (error) {
    if (!isTooDeep(error)) throw error;
    const fault = {
      file,
      path: "",
      message: "is nested too deeply or repeats aliases too often",
      remedy: "Flatten it",
    };
    return newUnreadableDocument(file, [fault]);
  }
}

/** What a text says as it is written, its references not looked up; `undefined` where {@linkcode toDocument} finds faults. */
export function readWritten(text: string): unknown {
  try {
    const document = parseYaml(text, new LineCounter());
    return document.errors.length + document.warnings.length > 0 ? undefined : toData(document);
  } catch (error) {
    if (!isTooDeep(error)) throw error;
    return undefined;
  }
}

/** Stands for a file that is not there: everything in it is default. */
export function newEmptyDocument(file: string): ConfigDocument {
  return { ...newUnreadableDocument(file, []), readable: true };
}

function newUnreadableDocument(file: string, faults: readonly ConfigFault[]): ConfigDocument {
  return {
    file,
    value: {},
    readable: false,
    position: () => undefined,
    source: () => undefined,
    faulty: [],
    faults,
    warnings: [],
    secretFiles: [],
    found: [],
  };
}

async function readText(path: string): Promise<{ readonly text: string } | ReferenceProblem> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) return { message: "is no regular file", remedy: "Replace it with a file, or remove it" };
    if (info.size > maxFileBytes) {
      return {
        message: `is larger than ${maxFileBytes} bytes`,
        remedy: "Split it, or check that it is the right file",
      };
    }
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path)) };
  } catch (error) {
    return {
      message: `cannot be read: ${whyUnreadable(error)}`,
      remedy: "Make it a UTF-8 file that this user may read",
    };
  }
}

async function parse(
  text: string,
  counter: LineCounter,
  file: string,
  scope: ReferenceScope,
): Promise<ConfigDocument> {
  const place = (offset: number): Position => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseYaml(text, counter);
  const unparsed = [...document.errors, ...document.warnings].map((error): ConfigFault => ({
    file,
    ...place(error.pos[0]),
    path: "",
    message: `is not valid YAML: ${sayYamlError(error.code, error.message)}`,
    remedy: error.code === "DUPLICATE_KEY"
      ? "Remove one of the two keys"
      : "Correct it. Text with : or # needs quotes, and so does ${…} inside { } or [ ]",
  }));
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return;
      unparsed.push({
        file,
        ...place(alias.range?.[0] ?? 0),
        path: "",
        message: "uses an alias that no anchor defines",
        remedy: "Put a value that begins with * into quotes, or define the anchor before it",
      });
    },
  });
  if (unparsed.length > 0) return newUnreadableDocument(file, unparsed);

  const faults: ConfigFault[] = [];
  const faulty: Path[] = [];
  const warnings: ConfigFault[] = [];
  const secretFiles: string[] = [];
  const found: ReferenceFound[] = [];
  const sources = new Map<Node, string>();
  await visitAsync(document, {
    async Scalar(key, scalar, ancestors) {
      if (key === "key" || typeof scalar.value !== "string" || !scalar.value.includes("${")) return;
      const path = pathOf([...ancestors, scalar]);
      const at = { file, ...place(locateNode(document, path).offset), path: toPathText(path) };
      const resolved = await resolveReferences(scalar.value, scope);
      scalar.value = resolved.text;
      faults.push(...resolved.problems.map((problem) => ({ ...at, ...problem })));
      warnings.push(...resolved.warnings.map((warning) => ({ ...at, ...warning })));
      secretFiles.push(...resolved.files);
      found.push(...resolved.found);
      if (resolved.problems.length > 0) faulty.push(path);
      if (resolved.sources.length > 0) sources.set(scalar, resolved.sources.join(", "));
    },
  });

  const locate = (path: Path) => locateNode(document, path);
  return {
    file,
    value: toData(document) ?? {},
    readable: true,
    position: (path) => place(locate(path).offset),
    source: (path) => {
      const { node } = locate(path);
      return node === undefined ? undefined : sources.get(node);
    },
    faulty,
    faults,
    warnings,
    secretFiles,
    found,
  };
}

function parseYaml(text: string, lineCounter: LineCounter): Document {
  return parseDocument(text, {
    lineCounter,
    // The pretty form quotes the source, which may be a key.
    prettyErrors: false,
    version: "1.2",
    schema: "core",
    stringKeys: true,
    resolveKnownTags: false,
  });
}

function toData(document: Document): unknown {
  return document.toJS({ maxAliasCount: maxAliases });
}

/** RangeError: the parser's stack; ReferenceError: the library's word for too many aliases. */
function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError || error instanceof ReferenceError;
}

/** The library's message without the piece of source that this one quotes. */
function sayYamlError(code: string, message: string): string {
  return code === "UNEXPECTED_TOKEN" ? message.replace(/: .*$/s, "") : message;
}

function pathOf(chain: readonly (Document | Node | Pair)[]): Path {
  const path: (string | number)[] = [];
  for (const [index, parent] of chain.entries()) {
    const child = chain[index + 1];
    if (isPair(parent)) path.push(keyOf(parent));
    else if (isSeq(parent) && child !== undefined) path.push(parent.items.indexOf(child));
  }
  return path;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : "";
}

function locateNode(document: Document, path: Path): { readonly offset: number; readonly node: Node | undefined } {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const step of path) {
    const parent = isAlias(node) ? node.resolve(document) : node;
    if (isMap(parent)) {
      const pair = parent.items.find((item) => keyOf(item) === step);
      if (pair === undefined) return { offset, node: undefined };
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(parent) && typeof step === "number") {
      node = parent.items[step];
      if (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) offset = node.range?.[0] ?? offset;
    } else {
      return { offset, node: undefined };
    }
  }
  const found = isAlias(node) ? node.resolve(document) : node;
  return { offset, node: isScalar(found) || isMap(found) || isSeq(found) ? found : undefined };
}
