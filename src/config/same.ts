import type { Secret } from "../core/secret.ts";

/**
 * Gives back `previous` where `next` says the same, and `next` with every unchanged part taken from `previous`
 * where it does not. So `===` tells what a reload has changed. Items of lists are matched by `id` where they have one.
 */
export function keepSame<T>(previous: T, next: T): T;
export function keepSame(previous: unknown, next: unknown): unknown {
  if (Object.is(previous, next)) return previous;
  if (isSecret(previous) && isSecret(next)) return previous.reveal() === next.reveal() ? previous : next;
  if (Array.isArray(previous) && Array.isArray(next)) {
    const merged = next.map((item, index) => keepSame(counterpart(previous, item, index), item));
    return isShallowSame(previous, merged) ? previous : merged;
  }
  if (isPlain(previous) && isPlain(next)) {
    const merged = Object.fromEntries(
      Object.entries(next).map(([key, value]) => [key, keepSame(previous[key], value)]),
    );
    return isShallowSame(previous, merged) ? previous : merged;
  }
  return next;
}

/** Freezes plain data through and through. */
export function deepFreeze<T>(value: T): T {
  if (Array.isArray(value)) value.forEach(deepFreeze);
  else if (isPlain(value)) Object.values(value).forEach(deepFreeze);
  else return value;
  return Object.freeze(value);
}

/** Whether `value` is a {@linkcode Secret}. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && "reveal" in value && typeof value.reveal === "function";
}

/** Whether `value` is a mapping: made of keys and values and nothing else. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || isSecret(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function counterpart(previous: readonly unknown[], item: unknown, index: number): unknown {
  if (!isPlain(item) || item.id === undefined) return previous[index];
  return previous.find((candidate) => isPlain(candidate) && candidate.id === item.id);
}

function isShallowSame(left: object, right: object): boolean {
  const before = Object.entries(left);
  const after = Object.entries(right);
  return before.length === after.length &&
    before.every(([key, value], index) => after[index]?.[0] === key && Object.is(after[index][1], value));
}
