import assert from "node:assert/strict";
import { calls } from "../../src/core/topics.ts";
import { openRoom, type Room, type RoomOptions } from "./room.ts";

const bytes = new Uint8Array(1_300_000).map((_, index) => index % 251);
const bill = { kind: "document", mimeType: "application/pdf", name: "../the bill.pdf", ref: "f1" };

const filesOf = (folder: string) => Array.fromAsync(Deno.readDir(folder), ({ name }) => name);

/** A room whose channel has one file for every attachment, and counts how often it is fetched. */
async function openFileRoom(options: RoomOptions = {}): Promise<Room & { readonly fetches: () => number }> {
  const room = await openRoom(options);
  let fetches = 0;
  const { bus } = room;
  bus.respond(calls.fetch("telegram", "sales"), () => {
    fetches++;
    return Promise.resolve({ path: "/file", mimeType: "application/pdf", sizeBytes: bytes.length });
  });
  bus.respond(
    calls.read("telegram", "sales"),
    ({ offset, maxBytes }) => Promise.resolve({ base64: bytes.subarray(offset, offset + maxBytes).toBase64() }),
  );
  return Object.assign(room, { fetches: () => fetches });
}

Deno.test("an attachment lies in the agent's folder, and later turns know where", async () => {
  await using room = await openFileRoom();
  await room.say("look", { attachments: [bill] });
  await room.untilSent(1);
  const [, path = ""] = /lies in your folder as (attachments\/\S+-the_bill\.pdf)\]/.exec(room.asked()[0] ?? "") ?? [];
  const full = `${room.dir}/agents/ana/${path}`;
  assert.deepEqual(await Deno.readFile(full), bytes);
  assert.equal(((await Deno.stat(full)).mode ?? 0) & 0o777, 0o600);
  await room.say("and now?");
  await room.untilSent(2);
  const history = JSON.stringify(room.requests[1]?.messages[0]);
  assert.ok(history.includes(path), history);
});

Deno.test("an attachment that is too large is named and leaves nothing behind", async () => {
  await using room = await openFileRoom({ agents: [{ config: { debounce_ms: 0, max_attachment_bytes: 1_000_000 } }] });
  await room.say("look", { attachments: [bill] });
  await room.untilSent(1);
  assert.match(room.asked()[0] ?? "", /could not be fetched: it is larger than 1000000 bytes/);
  assert.deepEqual(await filesOf(`${room.dir}/agents/ana/attachments`), []);
});

Deno.test("an image is kept too, and shown where it is not too large", async () => {
  const photo = { kind: "image", mimeType: "image/png", name: "a.png", ref: "f2" };
  await using room = await openFileRoom();
  await room.say("look", { attachments: [photo] });
  await room.untilSent(1);
  assert.match(room.asked()[0] ?? "", /\[image\]$/);
  assert.equal((await filesOf(`${room.dir}/agents/ana/attachments`)).length, 1);
  room.configure({ agents: [{ config: { debounce_ms: 0, max_image_bytes: 1_000_000 } }] });
  await room.say("and this", { attachments: [{ ...photo, ref: "f3" }] });
  await room.untilSent(2);
  assert.match(room.asked()[1] ?? "", /larger than the 1000000 bytes that are shown; it lies in your folder as/);
});

Deno.test("attachments are taken away when they are old", async () => {
  await using room = await openFileRoom({ agents: [{ config: { debounce_ms: 0, keep_attachments: "1d" } }] });
  const folder = `${room.dir}/agents/ana/attachments`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/old`, "old");
  const longAgo = new Date(room.clock.now() - 2 * 86_400_000);
  await Deno.utime(`${folder}/old`, longAgo, longAgo);
  await room.say("look", { attachments: [bill] });
  await room.untilSent(1);
  assert.deepEqual((await filesOf(folder)).map((name) => name.slice(13)), ["the_bill.pdf"]);
});

Deno.test("what a message quotes of earlier ones is kept in the transcript and not shown to the model", async () => {
  await using room = await openRoom();
  await room.say("I agree", { quotedTail: "> shall we?" });
  await room.untilSent(1);
  await room.untilIdle();
  assert.ok(!JSON.stringify(room.requests).includes("shall we"));
  const [row] = room.rows("SELECT body FROM messages ORDER BY id LIMIT 1");
  assert.match(String(row?.body), /"quotedTail":"> shall we\?"/);
});
