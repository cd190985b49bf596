import { keys, openPtyAgent, type PtyAgent } from "../fixtures/pty.ts";
import type { SetupRoom } from "./setting_up.ts";

/** What is shown, and what is typed then. */
export type Answers = readonly (readonly [shown: RegExp, typed: string])[];

/** Starts `agent setup ARGS` on a terminal. */
export function openWizard(room: SetupRoom, ...args: readonly string[]): Promise<PtyAgent> {
  return openPtyAgent(["setup", ...args], { AGENT_CONFIG: room.config, AGENT_DATA: room.data });
}

/** Types each answer when its question is shown. */
export async function answer(terminal: PtyAgent, answers: Answers): Promise<void> {
  for (const [shown, typed] of answers) {
    await terminal.see(shown);
    await terminal.type(typed);
  }
}

/** Takes what the last question of a step offers. */
export const write: Answers[number] = [/Write this\?/, keys.enter];
