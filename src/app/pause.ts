import { isThere, removeIfThere } from "../folder/files.ts";
import type { Pause } from "../http/pause_routes.ts";
import type { IntakeGate } from "./intake.ts";

/** Opens the operator's pause of intake. It lies in the data folder, so that no restart ends it. */
export async function openPause(dataDir: string, gate: Pick<IntakeGate, "set" | "pausedBy">): Promise<Pause> {
  const path = `${dataDir}/paused`;
  gate.set("operator", await isThere(path));
  return {
    get isPaused() {
      return gate.pausedBy.includes("operator");
    },
    async set(paused) {
      if (paused) await Deno.writeTextFile(path, "", { mode: 0o600 });
      else await removeIfThere(path);
      gate.set("operator", paused);
    },
  };
}
