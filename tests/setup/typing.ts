import assert from "node:assert/strict";
import { keys, openPtyAgent, type PtyAgent } from "../fixtures/pty.ts";
import type { SetupRoom } from "./setting_up.ts";

/** What is shown, and what is typed then. */
export type Answers = readonly (readonly [shown: RegExp, typed: string])[];

/** Starts `agent setup ARGS` on a terminal. */
export function openWizard(room: SetupRoom, ...args: readonly string[]): Promise<PtyAgent> {
  return openPtyAgent(["setup", ...args], { AGENT_CONFIG: room.config, AGENT_DATA: room.data, ...room.env });
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

/**
 * Leaves the command at each of its questions, by Ctrl-C, and then walks through it. Every time the config is as it
 * was before, and the terminal too.
 *
 * @param after What is asked when everything is written.
 */
export async function leaveEverywhere(
  room: SetupRoom,
  args: readonly string[],
  answers: Answers,
  after: Answers = [],
): Promise<void> {
  const before = await room.snapshot();
  for (const [index, [shown]] of answers.entries()) {
    await using terminal = await openWizard(room, ...args);
    await answer(terminal, answers.slice(0, index));
    await terminal.see(shown);
    await terminal.type(keys.ctrlC);
    assert.equal(await terminal.code, 130, terminal.screen());
    assert.deepEqual(await terminal.left, { cooked: true, cursor: true }, `left at ${shown}`);
    assert.deepEqual(await room.snapshot(), before, `left at ${shown}`);
  }
  await using terminal = await openWizard(room, ...args);
  await answer(terminal, [...answers, ...after]);
  assert.equal(await terminal.code, 0, terminal.screen());
}
