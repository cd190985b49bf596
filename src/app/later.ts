import { AppError } from "../core/error.ts";

/** A part that opens after somebody who needs it: whoever asks too early is told so. */
export interface Later<T> {
  /** Absent until it has opened. */
  readonly current: T | undefined;
  /** @throws {AppError} `unavailable` until it has opened. */
  get(): T;
  set(part: T): void;
}

/** @param early What whoever asks too early is told, as a sentence without its full stop. */
export function newLater<T>(early: string): Later<T> {
  let opened: T | undefined;
  return {
    get current() {
      return opened;
    },
    get() {
      if (opened === undefined) {
        throw new AppError("unavailable", `${early}. Ask again in a moment`, { reason: "starting" });
      }
      return opened;
    },
    set(part) {
      opened = part;
    },
  };
}
