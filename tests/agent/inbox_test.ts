import assert from "node:assert/strict";
import { finish, hang, openRoom, type Room, type RoomOptions } from "./room.ts";

const heard = (binding: Record<string, unknown>, agent: Record<string, unknown> = {}): RoomOptions => ({
  agents: [{ ...agent, inbound_bindings: [{ plugin: "telegram", instance: "sales", pairing: false, ...binding }] }],
});

/** Reason for which the newest message was refused, or `answered`. */
async function fateOf(room: Room, message: Record<string, unknown> = {}, text = "hello"): Promise<string> {
  const before = room.rows("SELECT id FROM inbox").length;
  await room.say(text, message);
  await room.untilIdle();
  const rows = room.rows("SELECT outcome FROM inbox ORDER BY id");
  assert.equal(rows.length, before + 1);
  return String(rows.at(-1)?.outcome).replace("refused:", "");
}

Deno.test("nobody may talk unless allowed in words", async () => {
  await using room = await openRoom(heard({}));
  assert.equal(await fateOf(room), "sender_not_allowed");
  assert.equal(room.sent.length, 0);
  assert.equal(room.metrics.valueOf("nexo_refusals_total", { part: "inbox", reason: "sender_not_allowed" }), 1);
});

Deno.test("an allow-list names people by id or handle", async () => {
  await using room = await openRoom(heard({ allow_from: [42, "@eva"] }));
  assert.equal(await fateOf(room, { sender: { id: "42" } }), "answered");
  assert.equal(await fateOf(room, { sender: { id: "7", handle: "eva" } }), "answered");
  assert.equal(await fateOf(room, { sender: { id: "7", handle: "42" } }), "sender_not_allowed");
  assert.equal(await fateOf(room, { sender: { id: "eva" } }), "sender_not_allowed");
  assert.equal(await fateOf(room, { sender: { id: "8", name: "42" } }), "sender_not_allowed");
});

Deno.test("groups answer never, when addressed, or always, as the binding says", async () => {
  const group = { isGroup: true, conversation: "-1" };
  await using room = await openRoom(heard({ open: true, groups: "off" }));
  assert.equal(await fateOf(room, { ...group, mentionsMe: true }), "group_off");
  room.configure(heard({ open: true }));
  assert.equal(await fateOf(room, group), "not_mentioned");
  assert.equal(await fateOf(room, { ...group, mentionsMe: true }), "answered");
  room.configure(heard({ open: true, groups: "all" }));
  assert.equal(await fateOf(room, group), "answered");
  room.configure(heard({ groups: "all", allow_groups: [-1] }));
  assert.equal(await fateOf(room, group), "answered");
  assert.equal(await fateOf(room, { ...group, conversation: "-2" }), "group_not_allowed");
  assert.equal(await fateOf(room), "sender_not_allowed");
});

Deno.test("a message without words or files is refused, an unbound instance too", async () => {
  await using room = await openRoom(heard({ open: true }));
  assert.equal(await fateOf(room, {}, "  "), "empty");
  room.configure(heard({ open: true, instance: "other" }));
  assert.equal(await fateOf(room), "no_binding");
});

Deno.test("the policy of the next message is that of the config in force", async () => {
  await using room = await openRoom(heard({ open: true }));
  assert.equal(await fateOf(room), "answered");
  room.configure(heard({}));
  assert.equal(await fateOf(room), "sender_not_allowed");
});

Deno.test("a message that waited is judged by the config of the moment of its turn", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using room = await openRoom({
    ...heard({ open: true }),
    async *script() {
      await promise;
      yield { type: "text", text: "done" };
      yield finish();
    },
  });
  await room.say("first");
  await room.say("second");
  await room.until(() => room.requests[0]);
  room.configure(heard({}));
  resolve();
  await room.untilIdle();
  assert.deepEqual(room.rows("SELECT outcome FROM inbox ORDER BY id").map(({ outcome }) => outcome), [
    "answered",
    "refused:sender_not_allowed",
  ]);
});

Deno.test("a sender who writes too often is refused until time has passed, others are not", async () => {
  await using room = await openRoom(heard({ open: true, sender_rate_limit: { rps: 0.1, burst: 2 } }));
  assert.deepEqual([await fateOf(room), await fateOf(room), await fateOf(room)], [
    "answered",
    "answered",
    "sender_rate",
  ]);
  assert.equal(await fateOf(room, { sender: { id: "43" } }), "answered");
  await room.clock.advance(10_000);
  assert.equal(await fateOf(room), "answered");
});

Deno.test("what was accepted before a crash is not refused for its rate after it", async () => {
  await using room = await openRoom({
    ...heard({ open: true, sender_rate_limit: { rps: 1, burst: 2 } }),
    script: hang,
  });
  for (let index = 0; index < 6; index++) {
    await room.say(`${index}`);
    await room.clock.advance(1_000);
  }
  await room.restart({ script: () => "late" });
  await room.untilSent(6);
  await room.untilIdle();
  assert.equal(room.metrics.valueOf("nexo_refusals_total", { reason: "sender_rate" }), 0);
});

Deno.test("two agents, or two instances, that talk with the same person share nothing", async () => {
  const bound = (instance: string) => [{ plugin: "telegram", instance, open: true }];
  await using room = await openRoom({
    agents: [
      { inbound_bindings: [...bound("sales"), ...bound("support")] },
      { id: "bob", inbound_bindings: bound("bobs") },
    ],
  });
  for (const instance of ["sales", "support", "bobs"]) {
    await room.say(`secret of ${instance}`, {}, { instance });
    await room.untilIdle();
  }
  assert.deepEqual(room.requests.map(({ messages }) => messages.length), [1, 1, 1]);
  assert.deepEqual(room.sent.map(({ sessionId }) => sessionId), [
    "ana/telegram/sales/7",
    "ana/telegram/support/7",
    "bob/telegram/bobs/7",
  ]);
});

Deno.test("a program that waits for an answer is told of a refusal", async () => {
  await using room = await openRoom();
  await room.say("", { attachments: [] }, { plugin: "api", instance: "ana" });
  await room.untilSent(1);
  assert.equal(room.sent[0]?.outcome, "failed");
  assert.match(room.sent[0]?.text ?? "", /refused: empty/);
});

Deno.test("an earlier exchange that a program hands in stands before its question", async () => {
  await using room = await openRoom();
  const history = [{ role: "user", text: "I am Eva" }, { role: "assistant", text: "Hello Eva" }];
  await room.say("who am I?", { history }, { plugin: "api", instance: "ana" });
  await room.untilSent(1);
  assert.deepEqual(room.requests[0]?.messages.map(({ role }) => role), ["user", "assistant", "user"]);
});
