import type { z } from "zod";
import type { ConfigDocument } from "./document.ts";
import { type ConfigFault, didYouMean } from "./fault.ts";
import { isWithin, type Path, toPathText } from "./path.ts";
import { knownKeys, sayType, type Shape, shapeAt } from "./shape.ts";

type Issue = z.core.$ZodIssue;

/** What a checked value was read from. */
export interface IssueContext {
  readonly document: ConfigDocument;
  /** Where the checked value stands in the document. */
  readonly at: Path;
  /** The checked value. */
  readonly value: unknown;
  /** Shape of the checked value. */
  readonly shape: Shape;
}

/** Turns what a schema complained about into faults with place and remedy. */
export function toFaults(issues: readonly Issue[], context: IssueContext): ConfigFault[] {
  return issues.flatMap((issue) => explainIssue(issue, toPath(issue.path), context));
}

function explainIssue(issue: Issue, path: Path, context: IssueContext): ConfigFault[] {
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.flatMap((key) => newFault([...path, key], sayUnknownKey(key, path, context), context));
    case "invalid_key":
      return newFault(
        path,
        { message: `the key ${issue.issues[0]?.message ?? "is invalid"}`, remedy: "Rename it" },
        context,
      );
    case "invalid_union": {
      const branch = nearestBranch(issue.errors);
      if (branch === undefined) return newFault(path, sayMismatch(path, context), context);
      return branch.flatMap((inner) => explainIssue(inner, [...path, ...toPath(inner.path)], context));
    }
    case "invalid_type":
    case "invalid_value":
      return newFault(path, sayMismatch(path, context), context);
    case "too_big":
    case "too_small":
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
    case "custom":
      return newFault(
        path,
        { message: sayIssue(issue.message, path, context), remedy: sayRemedy(path, context) },
        context,
      );
  }
}

/** The alternative that was meant: one that only things inside the value speak against, not the kind of value itself. */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const isAboutWhole = (issue: Issue) =>
    issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
  return branches.find((branch) => branch.length > 0 && !branch.some(isAboutWhole));
}

function newFault(
  path: Path,
  text: { readonly message: string; readonly remedy: string },
  { document, at }: IssueContext,
): ConfigFault[] {
  const full = [...at, ...path];
  // A value that could not be resolved has its fault already; what stands in for it deserves none.
  if (document.faulty.some((faulty) => isWithin(full, faulty))) return [];
  return [{ file: document.file, ...document.position(full), path: toPathText(full), ...text }];
}

function sayUnknownKey(key: string, path: Path, { shape }: IssueContext) {
  const keys = knownKeys(shapeAt(shape, path) ?? {});
  // A mapping may have several forms, and the other keys say that it is another than this one's.
  if (keys.includes(key)) return { message: "does not go with the keys beside it", remedy: "Remove it, or the others" };
  return {
    message: `unknown key.${didYouMean(key, keys)}`,
    remedy: keys.length === 0 ? "Remove it" : `Remove it, or use one of: ${keys.join(", ")}`,
  };
}

function sayMismatch(path: Path, context: IssueContext) {
  const found = valueAt(context.value, path);
  const wanted = sayType(shapeAt(context.shape, path) ?? {});
  const choices = shapeAt(context.shape, path)?.enum ?? [];
  const suggestion = typeof found === "string" ? didYouMean(found, choices.map(String)) : "";
  if (found === undefined) return { message: "is missing", remedy: `Add it: ${sayRemedy(path, context)}` };
  if (found === null) {
    return { message: "is empty", remedy: `Give it a value, or remove the key. ${sayRemedy(path, context)}` };
  }
  if (context.document.source([...context.at, ...path]) !== undefined && wanted !== "text") {
    return {
      message: `expected ${wanted}, found a reference, which is always text`,
      remedy: "Write the value itself",
    };
  }
  return {
    message: `expected ${wanted}, found ${sayLiteral(path, context) ?? sayFound(found, wanted)}.${suggestion}`,
    remedy: typeof found === "number" && wanted.startsWith("text")
      ? "Put the number into quotes"
      : sayRemedy(path, context),
  };
}

function sayRemedy(path: Path, { shape }: IssueContext): string {
  const part = shapeAt(shape, path);
  if (part === undefined) return "Correct the value";
  const type = `Write ${sayType(part)}`;
  return part.description === undefined ? type : `${type}. ${part.description}`;
}

function sayIssue(message: string, path: Path, context: IssueContext): string {
  const literal = sayLiteral(path, context);
  return literal === undefined
    ? message
    : `${literal} ${
      message.replace(/^Too small: expected/, "is too small: expected").replace(
        /^Too big: expected/,
        "is too big: expected",
      ).replace(/^Invalid /, "is no valid ")
    }`;
}

/** Longest value that a fault shows, characters. */
const literalBound = 60;

/** A value as it stands in the file. What came from elsewhere, or belongs where secrets do, is not shown. */
function sayLiteral(path: Path, { document, at, value, shape }: IssueContext): string | undefined {
  const found = valueAt(value, path);
  const isPlain = typeof found === "string" || typeof found === "number" || typeof found === "boolean";
  if (!isPlain || found === "" || document.source([...at, ...path]) !== undefined) return undefined;
  if (shapeAt(shape, path)?.secret === true) return undefined;
  if (typeof found !== "string") return String(found);
  return JSON.stringify(found.length <= literalBound ? found : `${found.slice(0, literalBound)}…`);
}

/** The kind of a value that is not shown: it may be a secret. */
function sayFound(value: unknown, wanted: string): string {
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      if (value === "") return "empty text";
      return wanted.includes('"') ? "other text" : "text";
    case "number":
    case "bigint":
      return "a number";
    case "boolean":
      return "true or false";
    case "object":
      return "a mapping";
    case "undefined":
    case "symbol":
    case "function":
      return typeof value;
  }
}

/** Reads plain data along a path. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    current = Reflect.get(current, step);
  }
  return current;
}

function toPath(path: readonly PropertyKey[]): Path {
  return path.map((step) => typeof step === "number" ? step : String(step));
}
