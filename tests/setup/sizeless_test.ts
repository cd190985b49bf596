import assert from "node:assert/strict";
import { keys, openPtyAgent } from "../fixtures/pty.ts";
import { openSetupRoom } from "./setting_up.ts";

Deno.test("a terminal that does not know its size shows questions in whole lines", async () => {
  await using room = await openSetupRoom();
  const env = { AGENT_CONFIG: room.config, AGENT_DATA: room.data, ...room.env };
  await using terminal = await openPtyAgent(["setup", "llm"], env, { rows: 0, columns: 0 });
  await terminal.see(/Who runs the model\?[^]*anthropic/);
  await terminal.type(keys.ctrlC);
  assert.equal(await terminal.code, 130);
});
