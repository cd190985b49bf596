/** What lies at `path` in an answer; `undefined` where nothing does. */
export function readField(answer: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => isRecord(value) ? value[key] : undefined, answer);
}

/** The number at `path`; `undefined` where there is none, as of a station that did not measure it. */
export function readNumber(answer: unknown, ...path: readonly string[]): number | undefined {
  const value = readField(answer, ...path);
  return typeof value === "number" ? value : undefined;
}

/** The list at `path`; empty where there is none. */
export function readList(answer: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = readField(answer, ...path);
  return Array.isArray(list) ? list : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
