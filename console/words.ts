/** Milliseconds as a person says them. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.round(ms % 3_600_000 / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} d ${Math.round(ms % 86_400_000 / 3_600_000)} h`;
}

/** A number with its noun: `1 agent`, `3 agents`. */
export function count(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? noun : nouns}`;
}

/** A size as a person says it. */
export function bytes(number: number): string {
  if (number < 1_000) return count(number, "byte");
  return number < 1_000_000 ? `${(number / 1_000).toFixed(1)} kB` : `${(number / 1_000_000).toFixed(1)} MB`;
}

/** US dollars, with as many digits as a small sum needs. */
export function money(usd: number): string {
  return `$${usd.toFixed(usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2)}`;
}

/** Any value as readable text. */
export function pretty(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
}

/** A part of an address as it was meant, also by somebody who wrote it by hand. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A `%` that stands for itself.
  }
}
