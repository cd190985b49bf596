import { Hono } from "hono";
import { type NoteDown, toActor } from "./door.ts";
import type { PauseAnswer } from "./pause_api.ts";

/** An operator holds new messages back with their senders. What was accepted is answered. */
export interface Pause {
  readonly isPaused: boolean;
  /** Holds until it is set again, also over a restart. @throws {AppError} `unavailable` where that cannot be kept. */
  set(paused: boolean): Promise<void>;
}

/** `/api/intake`: pauses it, and resumes. */
export function newPauseRoutes(pause: Pause, note: NoteDown): Hono {
  const app = new Hono();
  for (const [path, paused] of [["/pause", true], ["/resume", false]] as const) {
    app.post(path, async (context) => {
      await pause.set(paused);
      await note({ actor: toActor(context), action: paused ? "intake.paused" : "intake.resumed", target: "" });
      return context.json({ paused } satisfies PauseAnswer);
    });
  }
  return app;
}
