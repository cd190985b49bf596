import type { ConfigDocument } from "./document.ts";
import { valueAt } from "./issues.ts";
import { type Path, toPathText } from "./path.ts";
import { isPlain } from "./same.ts";

/** Where a value in force came from. Values without an origin are defaults. */
export type Origin =
  | {
    readonly kind: "file";
    readonly file: string;
    readonly line: number;
    /** What stood in for a reference in the file, such as `environment ANTHROPIC_API_KEY`. */
    readonly source?: string;
  }
  | { readonly kind: "environment"; readonly name: string };

/** Where everything at and below `path` stands, by the path that it has in the whole config. */
export function traceOrigins(document: ConfigDocument, path: Path, name: Path): [string, Origin][] {
  const value = valueAt(document.value, path);
  const position = document.position(path);
  if (value === undefined || position === undefined) return [];
  const source = document.source(path);
  const own: Origin = {
    kind: "file",
    file: document.file,
    line: position.line,
    ...(source === undefined ? {} : { source }),
  };
  return [
    [toPathText(name), own],
    ...stepsBelow(value).flatMap((step) => traceOrigins(document, [...path, step], [...name, step])),
  ];
}

function stepsBelow(value: unknown): Path {
  if (Array.isArray(value)) return [...value.keys()];
  return isPlain(value) ? Object.keys(value) : [];
}
