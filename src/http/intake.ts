import { AppError } from "../core/error.ts";
import type { Intake } from "../core/intake.ts";

/** When it is worth asking again, in milliseconds: a pause or a restart is rarely over sooner. */
export const retryAfterMs = 5_000;

/** @throws {AppError} `unavailable` while new messages are not taken, before anything is stored. */
export function requireOpenIntake(intake: Pick<Intake, "pausedBy">): void {
  const [reason] = intake.pausedBy;
  if (reason === undefined) return;
  throw new AppError("unavailable", `New messages are not taken at the moment (${reason}). Try again soon`, {
    reason: "intake_paused",
    retryAfterMs,
  });
}

/** An intake that can also be stopped from here, for good. */
export interface StoppableIntake extends Pick<Intake, "pausedBy"> {
  stop(): void;
  isStopped(): boolean;
}

/** Wraps `intake` with a stop of its own, which `signal` pulls too. */
export function withStop(intake: Pick<Intake, "pausedBy">, signal: AbortSignal): StoppableIntake {
  let stopped = false;
  const isStopped = () => stopped || signal.aborted;
  return {
    get pausedBy() {
      return isStopped() ? ["stopping"] : intake.pausedBy;
    },
    stop: () => void (stopped = true),
    isStopped,
  };
}
