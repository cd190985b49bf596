import assert from "node:assert/strict";
import { newPairingDesk } from "../../src/agent/pairing_desk.ts";
import { AppError } from "../../src/core/error.ts";
import { listAudit } from "../../src/ledger/audit.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { finish, openRoom, type Room, type RoomOptions } from "./room.ts";

const hourMs = 3_600_000;
const bound = (binding: Record<string, unknown> = {}): RoomOptions => ({
  agents: [{ inbound_bindings: [{ plugin: "telegram", instance: "sales", ...binding }] }],
});
const desk = (room: Room) => newPairingDesk({ ledger: room.ledger, metrics: room.metrics, clock: room.clock });
const soon = () => AbortSignal.timeout(60_000);
const people = (room: Room) => desk(room).list({ limit: 200 }, soon());
const audit = async (room: Room) =>
  (await listAudit(room.ledger, { limit: 200 }, soon())).toReversed().map(({ action, actor }) => `${action} ${actor}`);

/** Reason for which the newest message was refused, or `answered`. */
async function fateOf(room: Room, message: Record<string, unknown> = {}, place = {}): Promise<string> {
  await room.say("hello", message, place);
  await room.untilIdle();
  return String(room.rows("SELECT outcome FROM inbox ORDER BY id").at(-1)?.outcome).replace("refused:", "");
}

/** The code in the newest message that went out. */
function codeIn(room: Room): string {
  return /[A-Z2-9]{8}/.exec(room.sent.at(-1)?.text ?? "")?.[0] ?? "no code";
}

const person = (id: number) => ({ conversation: `${id}`, sender: { id: `${id}`, name: `P${id}` } });

Deno.test("an unknown sender gets a code once, and is answered after the operator has approved it", async () => {
  await using room = await openRoom(bound());
  assert.equal(await fateOf(room), "pairing_code_given");
  assert.equal(await fateOf(room), "pairing_pending");
  assert.equal(room.sent.length, 1);
  const [{ conversation, inReplyTo, text } = { conversation: "", inReplyTo: [], text: "" }] = room.sent;
  assert.deepEqual([conversation, inReplyTo], ["7", ["m1"]]);
  assert.match(text, /write again/);
  const approved = await desk(room).decide("approve", { code: codeIn(room).toLowerCase() }, "console");
  assert.deepEqual([approved.state, approved.sender, approved.name, approved.code], ["approved", "42", "Eva", null]);
  assert.equal(await fateOf(room), "answered");
  // What came before is not answered afterwards: the code's text says so.
  assert.deepEqual(room.asked(), ["hello"]);
  assert.deepEqual(await audit(room), ["pairing.code_given gate", "pairing.approved console"]);
  assert.equal(room.metrics.valueOf("nexo_refusals_total", { reason: "pairing_code_given" }), 1);
  assert.equal(room.metrics.valueOf("nexo_refusals_total", { reason: "pairing_pending" }), 1);
  for (const event of ["code_given", "approved"]) {
    assert.equal(room.metrics.valueOf("nexo_pairing_total", { event }), 1);
  }
});

Deno.test("the code stands in no log and no metric", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  assert.ok(!JSON.stringify(room.log.entries).includes(codeIn(room)));
});

Deno.test("revoking silences at once, also what waits for its turn or would join a running one", async () => {
  for (const mode of ["queue", "steer"]) {
    const gate = Promise.withResolvers<void>();
    await using room = await openRoom({
      agents: [{ inbound_bindings: [{ plugin: "telegram", instance: "sales" }], config: { mode } }],
      tools: [],
      async *script() {
        await gate.promise;
        yield { type: "text", text: "done" };
        yield finish();
      },
    });
    await fateOf(room);
    const { id } = await desk(room).decide("approve", { code: codeIn(room) }, "cli");
    await room.say("first");
    await room.until(() => room.requests[0]);
    await room.say("second");
    await desk(room).decide("revoke", { id }, "cli");
    gate.resolve();
    await room.untilIdle();
    const outcomes = room.rows("SELECT outcome FROM inbox ORDER BY id").map(({ outcome }) => outcome);
    assert.deepEqual(outcomes.slice(1), ["answered", "refused:sender_revoked"]);
    assert.equal(await fateOf(room), "sender_revoked");
    assert.equal(room.sent.length, 2);
    // Let in again by number.
    await desk(room).decide("approve", { id }, "cli");
    assert.equal(await fateOf(room), "answered");
    assert.deepEqual((await audit(room)).slice(1), [
      "pairing.approved cli",
      "pairing.revoked cli",
      "pairing.approved cli",
    ]);
  }
});

Deno.test("somebody who was denied gets neither an answer nor another code", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  const code = codeIn(room);
  await desk(room).decide("deny", { code }, "console");
  await room.clock.advance(2 * hourMs);
  assert.equal(await fateOf(room), "sender_denied");
  assert.equal(room.sent.length, 1);
  const error = await rejectsWith("missing", desk(room).decide("approve", { code }, "console"));
  assert.equal(error.reason, "wrong_code");
});

Deno.test("a code ends after an hour and the next message gets another one", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  const first = codeIn(room);
  const [waiting] = await people(room);
  await room.clock.advance(hourMs - 1);
  assert.equal(await fateOf(room), "pairing_pending");
  await room.clock.advance(1);
  await rejectsWith("missing", desk(room).decide("approve", { code: first }, "cli"));
  const error = await rejectsWith("conflict", desk(room).decide("approve", { id: waiting?.id ?? 0 }, "cli"));
  assert.equal(error.reason, "pairing_expired");
  assert.equal(await fateOf(room), "pairing_code_given");
  assert.notEqual(codeIn(room), first);
  await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  assert.equal(await fateOf(room), "answered");
  // Whether the clock or the next code comes first to end a code is nobody's business.
  assert.deepEqual((await audit(room)).toSorted(), [
    "pairing.approved cli",
    "pairing.code_given gate",
    "pairing.code_given gate",
    "pairing.expired clock",
    "pairing.wrong_code cli",
  ]);
});

Deno.test("codes that nobody uses are ended by the clock, counted, and forgotten after a day", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  room.clock.skip(hourMs);
  const expired = () => room.metrics.valueOf("nexo_pairing_total", { event: "expired" });
  while (expired() === 0) await room.clock.advance(60_000);
  assert.deepEqual(await people(room), []);
  assert.equal((await desk(room).list({ state: "expired", limit: 5 }, soon())).length, 1);
  room.clock.skip(24 * hourMs);
  while (room.rows("SELECT 1 FROM pairing").length > 0) await room.clock.advance(60_000);
  assert.equal(expired(), 1);
});

Deno.test("a code is single use", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  const code = codeIn(room);
  await desk(room).decide("approve", { code }, "cli");
  await rejectsWith("missing", desk(room).decide("approve", { code }, "cli"));
  await rejectsWith("missing", desk(room).decide("deny", { code }, "cli"));
});

Deno.test("whoever guesses codes is stopped after ten, and the right one is not taken then either", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  const code = codeIn(room);
  const one = desk(room);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, (_, index) => one.decide("approve", { code: `WRONG${index}` }, "api")),
  );
  const reasons = outcomes.map((outcome) => outcome.status === "rejected" ? outcome.reason.reason : "let in");
  assert.deepEqual([...new Set(reasons)], ["wrong_code", "too_many_codes"]);
  assert.equal(reasons.filter((reason) => reason === "wrong_code").length, 10);
  const error = await rejectsWith("denied", one.decide("approve", { code }, "api"));
  assert.equal(error.retryAfterMs, 60_000);
  assert.equal(room.metrics.valueOf("nexo_refusals_total", { part: "pairing", reason: "wrong_code" }), 10);
  await room.clock.advance(60_000);
  assert.equal((await one.decide("approve", { code }, "api")).state, "approved");
});

Deno.test("fifty strangers at once each get a code of their own, and each can be let in", async () => {
  await using room = await openRoom(bound());
  for (let id = 1; id <= 50; id++) await room.say("hello", person(id));
  await room.untilSent(50);
  const codes = room.sent.map(({ text }) => /[A-Z2-9]{8}/.exec(text)?.[0] ?? "");
  assert.equal(new Set(codes).size, 50);
  await desk(room).decide("approve", { code: codes[49] ?? "" }, "cli");
  assert.equal(await fateOf(room, person(50)), "answered");
});

Deno.test("a flood of strangers gets no flood of codes, and whoever comes after it gets one", async () => {
  await using room = await openRoom(bound());
  for (let id = 1; id <= 110; id++) await room.say("hello", person(id));
  await room.untilIdle();
  assert.equal(room.sent.length, 100);
  assert.equal(room.metrics.valueOf("nexo_refusals_total", { reason: "pairing_rate" }), 10);
  await room.clock.advance(5_000);
  assert.equal(await fateOf(room, person(105)), "pairing_code_given");
});

Deno.test("whom the config names needs no code, and open needs none for anybody", async () => {
  await using room = await openRoom(bound({ allow_from: ["42"] }));
  assert.equal(await fateOf(room), "answered");
  room.configure(bound({ open: true }));
  assert.equal(await fateOf(room, person(1)), "answered");
  assert.deepEqual(await people(room), []);
});

Deno.test("a binding without pairing gives no codes, and whom the operator let in stays in", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  room.configure(bound({ pairing: false }));
  assert.equal(await fateOf(room), "answered");
  assert.equal(await fateOf(room, person(1)), "sender_not_allowed");
  assert.equal(room.sent.length, 2);
});

Deno.test("no code goes into a group; whoever was let in may talk there", async () => {
  await using room = await openRoom(bound());
  const group = { conversation: "-1", isGroup: true, mentionsMe: true };
  assert.equal(await fateOf(room, group), "sender_not_allowed");
  assert.equal(room.sent.length, 0);
  await fateOf(room);
  assert.equal(await fateOf(room, group), "pairing_pending");
  await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  assert.equal(await fateOf(room, group), "answered");
  assert.equal(await fateOf(room, { ...group, mentionsMe: false }), "not_mentioned");
  room.configure(bound({ allow_groups: [-2] }));
  assert.equal(await fateOf(room, group), "group_not_allowed");
});

Deno.test("a sender for whom nobody vouches gets no code", async () => {
  await using room = await openRoom(bound());
  assert.equal(await fateOf(room, { untrusted: true }), "sender_unverified");
  assert.equal(room.sent.length, 0);
});

Deno.test("bindings know nothing of each other's people", async () => {
  await using room = await openRoom({
    agents: [
      { inbound_bindings: ["sales", "support"].map((instance) => ({ plugin: "telegram", instance })) },
      { id: "bob", inbound_bindings: [{ plugin: "email", instance: "bobs" }] },
    ],
  });
  await fateOf(room);
  await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  assert.equal(await fateOf(room), "answered");
  assert.equal(await fateOf(room, {}, { instance: "support" }), "pairing_code_given");
  assert.equal(await fateOf(room, {}, { plugin: "email", instance: "bobs" }), "pairing_code_given");
  // The same instance heard by another agent is another binding.
  room.configure({ agents: [{ inbound_bindings: [] }, { id: "bob", ...bound().agents?.[0] }] });
  assert.equal(await fateOf(room), "pairing_code_given");
});

Deno.test("one person under two ids is one person, and the operator's no holds for both", async () => {
  await using room = await openRoom(bound());
  await fateOf(room, { sender: { id: "5@lid" } });
  const { id } = await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  const known = { sender: { id: "49@phone", aliases: ["5@lid"] } };
  assert.equal(await fateOf(room, known), "answered");
  await desk(room).decide("revoke", { id }, "cli");
  assert.equal(await fateOf(room, known), "sender_revoked");
  room.configure(bound({ allow_from: ["5@lid"] }));
  assert.equal(await fateOf(room, known), "answered");
});

Deno.test("what the stranger is told is the binding's text", async () => {
  await using room = await openRoom(bound({ pairing_text: "Hola. Código: {code} ({code})" }));
  await fateOf(room);
  const code = codeIn(room);
  assert.equal(room.sent[0]?.text, `Hola. Código: ${code} (${code})`);
});

Deno.test("a restart keeps codes, approvals and the audit", async () => {
  await using room = await openRoom(bound());
  await fateOf(room);
  const code = codeIn(room);
  await fateOf(room, person(1));
  await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  await room.restart();
  assert.equal(await fateOf(room), "pairing_pending");
  assert.equal(await fateOf(room, person(1)), "answered");
  await desk(room).decide("approve", { code }, "cli");
  assert.equal(await fateOf(room), "answered");
  assert.equal((await audit(room)).length, 4);
});

Deno.test("a crash around the code gives one code in the end", async () => {
  for (const when of ["before", "after"] as const) {
    await using room = await openRoom(bound());
    const died = room.dieAt((unit) => unit.some(({ sql }) => sql.includes("INTO pairing")), when);
    await room.say("hello");
    await died;
    await room.restart();
    await room.untilIdle();
    assert.equal(room.sent.length, 1);
    const [waiting] = await people(room);
    assert.equal(waiting?.code, codeIn(room));
  }
});

Deno.test("while the ledger cannot be read nobody is let in, and nothing is lost or overtaken", async () => {
  const failure = new AppError("unavailable", "The disk is gone");
  let failing = false;
  await using room = await openRoom({
    agents: [
      { inbound_bindings: [{ plugin: "telegram", instance: "sales" }] },
      { id: "bob", inbound_bindings: [{ plugin: "telegram", instance: "open", open: true }] },
    ],
    wrapRead: (read) => ({
      ...read,
      get(sql, ...values) {
        if (failing && sql.includes("FROM pairing")) throw failure;
        return read.get(sql, ...values);
      },
    }),
  });
  await fateOf(room);
  await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  failing = true;
  await room.say("one");
  await room.say("stranger", person(1));
  await room.metrics.untilWritten("nexo_refusals_total", { reason: "pairing_unreadable" }, 2, soon());
  // Others are none the worse.
  await room.say("open", {}, { instance: "open" });
  await room.until(() => room.asked().includes("open") ? true : undefined);
  await room.clock.advance(10_000);
  assert.deepEqual(room.asked(), ["open"]);
  failing = false;
  await room.say("two");
  while (room.requests.length < 3) await room.clock.advance(1_000);
  await room.untilIdle();
  assert.deepEqual(room.asked(), ["open", "one", "two"]);
  const outcomes = room.rows("SELECT outcome FROM inbox ORDER BY id").map(({ outcome }) => outcome);
  assert.deepEqual(outcomes.slice(1), ["answered", "refused:pairing_code_given", "answered", "answered"]);
});

Deno.test("a storage that fails right before the turn keeps the message for later", async () => {
  let failing = false;
  await using room = await openRoom({
    agents: [{ inbound_bindings: [{ plugin: "telegram", instance: "sales" }], config: { debounce_ms: 1_000 } }],
    wrapRead: (read) => ({
      ...read,
      get(sql, ...values) {
        if (failing && sql.includes("FROM pairing")) throw new Error("disk I/O error");
        return read.get(sql, ...values);
      },
    }),
  });
  await fateOf(room);
  await desk(room).decide("approve", { code: codeIn(room) }, "cli");
  await room.say("hello");
  while (room.metrics.valueOf("nexo_lanes") === 0) await room.clock.advance(0);
  failing = true;
  while (room.metrics.valueOf("nexo_refusals_total", { reason: "pairing_unreadable" }) === 0) {
    await room.clock.advance(100);
  }
  assert.equal(room.requests.length, 0);
  failing = false;
  while (room.requests.length === 0) await room.clock.advance(1_000);
  await room.untilIdle();
  assert.equal(room.sent.length, 2);
});
