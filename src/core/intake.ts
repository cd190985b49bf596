/** Whether new messages may come in. Overload pauses intake; it never drops. */
export interface Intake {
  /** Why intake is paused, as `snake_case` reasons; empty while it is open. */
  readonly pausedBy: readonly string[];
  /** Resolves at once while open, else when it opens. @throws the signal's reason when it fires first. */
  open(signal: AbortSignal): Promise<void>;
}
