import { Hono } from "hono";
import { AppError } from "../core/error.ts";
import { toActor } from "./door.ts";
import type { Audit, History } from "./views.ts";

/** Longest look into the ledger for one turn. */
const queryMs = 15_000;

/** `/api/turns`: what happened in a turn, and the end of one that runs. */
export function newTurnRoutes({ history, audit, stopTurn }: {
  readonly history: Pick<History, "turn">;
  readonly audit: Pick<Audit, "note">;
  /** Says whether it was running. */
  stopTurn(id: string): boolean;
}): Hono {
  const app = new Hono();
  app.get("/:id", async (context) => {
    const id = context.req.param("id");
    const turn = await history.turn(id, AbortSignal.timeout(queryMs));
    if (turn === undefined) throw new AppError("missing", `There is no turn ${id}`, { reason: "unknown_turn" });
    return context.json(turn);
  });
  app.post("/:id/stop", async (context) => {
    const id = context.req.param("id");
    if (!stopTurn(id)) {
      throw new AppError("missing", `Turn ${id} does not run here: it has ended, or another process runs it`, {
        reason: "turn_not_running",
      });
    }
    await audit.note({ actor: toActor(context), action: "turn.stopped", target: id });
    return context.json({ ok: true });
  });
  return app;
}
