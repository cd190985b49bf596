import assert from "node:assert/strict";
import { calls } from "../../src/core/topics.ts";
import { finish, openRoom } from "./room.ts";

Deno.test("while a turn runs the channel shows that somebody writes, until it ends", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using room = await openRoom({
    agents: [{ config: { typing: true } }],
    async *script() {
      await promise;
      yield { type: "text", text: "done" };
      yield finish();
    },
  });
  const shown: string[] = [];
  await using _channel = room.bus.respond(calls.typing("telegram", "sales"), ({ conversation }) => {
    shown.push(conversation);
    return Promise.resolve({ shown: true });
  });
  await room.say("hello");
  await room.until(() => room.requests[0]);
  await room.clock.advance(8_000);
  assert.deepEqual(shown, ["7", "7", "7"]);
  resolve();
  await room.untilIdle();
  await room.clock.advance(60_000);
  assert.equal(shown.length, 3);
});

Deno.test("a channel that cannot show it is asked once, and the turn does not mind", async () => {
  let asked = 0;
  await using room = await openRoom({ agents: [{ config: { typing: true } }] });
  await using _channel = room.bus.respond(calls.typing("telegram", "sales"), () => {
    asked++;
    return Promise.reject(new Error("what is that?"));
  });
  await room.say("hello");
  await room.untilSent(1);
  assert.equal(asked, 1);
  assert.equal(room.sent[0]?.outcome, "answered");
});
