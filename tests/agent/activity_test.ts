import assert from "node:assert/strict";
import { readActivity, readToolCalls, readUsageRows } from "../../src/ledger/activity.ts";
import { callTools, newModelError, newTool, openRoom } from "./room.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("the last hour is summed up: turns, models, channels, and what was spent today", async () => {
  await using room = await openRoom({
    agents: [{ allowed_tools: ["look"] }],
    tools: [newTool("look")],
    price: () => ({ inputPerMillion: 100_000, outputPerMillion: 0, cacheReadPerMillion: 0, cacheWritePerMillion: 0 }),
    script: (_request, number) => {
      if (number === 1) return callTools(["look"]);
      if (number === 3) throw newModelError("denied");
      return "done";
    },
  });
  await room.say("one");
  await room.untilSent(1);
  await room.say("two");
  await room.untilSent(2);
  await room.untilIdle();
  const activity = await readActivity(room.ledger, room.clock.now(), soon());
  assert.deepEqual([activity.turns.ended, activity.turns.failed], [2, 1]);
  assert.deepEqual(activity.models.map(({ model, calls }) => [model, calls]), [["fake/m", 2]]);
  assert.deepEqual(activity.spentToday, [{ agent: "ana", costUsd: 2, tokens: 30 }]);
  assert.deepEqual(activity.running, []);
  const [channel] = activity.channels;
  assert.deepEqual([channel?.channel, channel?.sent], ["telegram.sales", 2]);
  const day = new Date(room.clock.now()).toISOString().slice(0, 10);
  const [used] = await readUsageRows(room.ledger, day, "day", soon());
  assert.deepEqual([used?.agent, used?.model, used?.calls, used?.costUsd], ["ana", "m", 2, 2]);

  const later = await readActivity(room.ledger, room.clock.now() + 3_600_001, soon());
  assert.deepEqual([later.turns.ended, later.channels, later.models], [0, [], []]);
});

Deno.test("calls of tools are counted, with those that failed", async () => {
  await using room = await openRoom({
    agents: [{ allowed_tools: ["look", "break"] }],
    tools: [newTool("look"), newTool("break", { run: () => Promise.reject(new Error("broken")) })],
    script: (_request, number) => number === 1 ? callTools(["look", "break", "break"]) : "done",
  });
  await room.say("one");
  await room.untilSent(1);
  await room.untilIdle();
  const calls = await readToolCalls(room.ledger, room.clock.now(), soon());
  assert.deepEqual([...calls].map(([tool, { calls, errors }]) => [tool, calls, errors]), [["look", 1, 0], [
    "break",
    2,
    2,
  ]]);
  assert.equal((await readToolCalls(room.ledger, room.clock.now() + 3_600_001, soon())).size, 0);
});
