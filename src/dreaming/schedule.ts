const dayMs = 86_400_000;

/**
 * When an agent dreams next, milliseconds since the epoch: at its time of the day (UTC), or some time after the last.
 * One that never dreamt waits for its time of the day, or for nothing.
 */
export function dueAt(
  { at, every }: { readonly at: string; readonly every?: number | undefined },
  lastMs: number | undefined,
  startedMs: number,
): number {
  if (every !== undefined) return lastMs === undefined ? 0 : lastMs + every;
  const [hours = 0, minutes = 0] = at.split(":").map(Number);
  const sinceMs = lastMs ?? startedMs;
  const sameDay = sinceMs - sinceMs % dayMs + (hours * 60 + minutes) * 60_000;
  return sameDay > sinceMs ? sameDay : sameDay + dayMs;
}
