/** A value that must not be seen: prints, serialises and inspects as `[secret]`. */
export interface Secret {
  /** The value itself. Call it at the last moment, where it leaves the process. */
  reveal(): string;
  toString(): "[secret]";
  toJSON(): "[secret]";
}

/** Wraps `value`, which then lives only in this closure. */
export function newSecret(value: string): Secret {
  return Object.freeze({
    reveal: () => value,
    toString: () => "[secret]" as const,
    toJSON: () => "[secret]" as const,
    [Symbol.for("Deno.customInspect")]: () => "[secret]",
  });
}
