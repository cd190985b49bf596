import type { z } from "zod";

/** A subject and the shape that travels on it. Subjects are never spelled at call sites. */
export interface Topic<T> {
  readonly subject: string;
  readonly payload: z.ZodType<T>;
  /** Durable: publishing resolves when the event cannot be lost. Ephemeral: fire and forget. */
  readonly durable: boolean;
}

/** A question on a subject and the shape of its answer. */
export interface Call<I, O> {
  readonly subject: string;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  /** Asking twice does no harm: it is asked again where whoever answered went away meanwhile. */
  readonly repeatable?: true;
}

/**
 * Whether `subject` is one of those that `pattern` names.
 * `*` stands for exactly one token, a trailing `>` for one or more (the rules of NATS).
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split(".");
  const given = subject.split(".");
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return index === wanted.length - 1 && given.length > index;
    const part = given[index];
    if (part === undefined || part === "" || (token !== "*" && token !== part)) return false;
  }
  return wanted.length === given.length;
}

/** Makes `text` usable as one token of a subject: everything outside `[A-Za-z0-9_-]` is percent-encoded with `=`. */
export function toSubjectToken(text: string): string {
  return encodeURIComponent(text).replace(/[^A-Za-z0-9_%-]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
    .replaceAll("%", "=");
}
