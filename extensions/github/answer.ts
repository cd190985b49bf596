/** What lies at `path` in an answer; `undefined` where nothing does. */
export function readField(answer: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => isRecord(value) ? value[key] : undefined, answer);
}

/** The text at `path`. @throws {Error} where there is none. */
export function readText(answer: unknown, ...path: readonly string[]): string {
  const text = readField(answer, ...path);
  if (typeof text === "string") return text;
  throw newShapeError(path);
}

/** The list at `path`. @throws {Error} where there is none. */
export function readList(answer: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = readField(answer, ...path);
  if (Array.isArray(list)) return list;
  throw newShapeError(path);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function newShapeError(path: readonly string[]): Error {
  return new Error(`GitHub's answer is none that this extension knows: there is no ${path.join(".") || "list"}`);
}
