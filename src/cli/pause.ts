import { pauseAnswerSchema } from "../http/pause_api.ts";
import { requireRunning } from "./admin_client.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import type { Terminal } from "./terminal.ts";

/** `agent pause`. */
export async function pause(terminal: Terminal, flags: DataDirFlag): Promise<number> {
  await ask(terminal, flags, "pause");
  terminal.print("Paused: new messages wait with their senders, also over a restart. To go on: agent resume\n");
  return 0;
}

/** `agent resume`. */
export async function resume(terminal: Terminal, flags: DataDirFlag): Promise<number> {
  await ask(terminal, flags, "resume");
  terminal.print("New messages are taken again. How it stands: agent status\n");
  return 0;
}

async function ask(terminal: Terminal, flags: DataDirFlag, what: "pause" | "resume"): Promise<void> {
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  await admin.post(`/api/intake/${what}`, {}, pauseAnswerSchema);
}
