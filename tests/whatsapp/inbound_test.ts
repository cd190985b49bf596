import assert from "node:assert/strict";
import type { proto, WAMessage } from "baileys";
import { parseProviderId, toInbound } from "../../plugins/whatsapp/inbound.ts";
import { parseMediaRef } from "../../plugins/whatsapp/media_ref.ts";
import { attachmentSchema } from "../../src/core/message.ts";

const me = { id: "15550000001:3@s.whatsapp.net", lid: "9001:3@lid" };
const alice = "4915100000001@s.whatsapp.net";
const bob = "4915100000002@s.whatsapp.net";
const group = "120363000000000001@g.us";
const deps = { me, toConversation: (jid: string) => jid };

function map(message: proto.IMessage, key: Partial<WAMessage["key"]> = {}) {
  return toInbound({ key: { remoteJid: alice, id: "M1", ...key }, message, messageTimestamp: 1_700_000_000 }, deps);
}

/** What the runtime gets. */
function read(message: proto.IMessage, key?: Partial<WAMessage["key"]>) {
  const mapped = map(message, key);
  return mapped.kind === "message" ? mapped.message : assert.fail(mapped.reason);
}

const shown: Readonly<Record<string, readonly [proto.IMessage, string]>> = {
  text: [{ conversation: "hello" }, "hello"],
  "text with a preview": [{ extendedTextMessage: { text: "see https://example.com" } }, "see https://example.com"],
  "a text that disappears": [{ ephemeralMessage: { message: { conversation: "soon gone" } } }, "soon gone"],
  "a caption": [{ imageMessage: { caption: "look" } }, "look"],
  "a reaction": [{ reactionMessage: { key: { id: "M0" }, text: "👍" } }, "[Reacted with 👍]"],
  "a reaction that is taken back": [{ reactionMessage: { key: { id: "M0" }, text: "" } }, "[Took the reaction back]"],
  "a place": [
    { locationMessage: { name: "Home", degreesLatitude: 1.5, degreesLongitude: 2 } },
    "[Location Home: 1.5, 2]",
  ],
  "a contact": [
    { contactMessage: { displayName: "Bob", vcard: "TEL;waid=4915100000002:+49" } },
    "[Contact: Bob, +4915100000002]",
  ],
  "a poll": [
    { pollCreationMessage: { name: "Lunch?", options: [{ optionName: "yes" }, { optionName: "no" }] } },
    "[Poll: Lunch? yes / no]",
  ],
};

for (const [what, [message, text]] of Object.entries(shown)) {
  Deno.test(`whatsapp reads ${what}`, () => assert.equal(read(message).text, text));
}

const skipped: Readonly<Record<string, readonly [proto.IMessage, Partial<WAMessage["key"]>]>> = {
  "what we wrote ourselves": [{ conversation: "x" }, { fromMe: true }],
  "a status": [{ conversation: "x" }, { remoteJid: "status@broadcast", participant: alice }],
  "a post of a channel": [{ conversation: "x" }, { remoteJid: "1203630@newsletter" }],
  "a message that was taken back": [{ protocolMessage: { type: 0, key: { id: "M0" } } }, {}],
  "a key that was passed on": [{ senderKeyDistributionMessage: { groupId: group } }, {}],
  nothing: [{}, {}],
};

for (const [what, [message, key]] of Object.entries(skipped)) {
  Deno.test(`whatsapp leaves out ${what}`, () => assert.equal(map(message, key).kind, "skipped"));
}

Deno.test("whatsapp tells what a message replies to", () => {
  const contextInfo = { stanzaId: "M0", participant: bob, quotedMessage: { conversation: "before" } };
  const message = { extendedTextMessage: { text: "after", contextInfo } };
  assert.deepEqual(read(message).quoted, { providerMessageId: "M0", text: "before" });
  const inGroup = read(message, { remoteJid: group, participant: alice });
  assert.deepEqual(inGroup.quoted, { providerMessageId: `M0/${bob}`, text: "before" });
});

Deno.test("whatsapp gives an edit as a message of its own that names the first version", () => {
  const protocolMessage = { type: 14, key: { id: "M0" }, editedMessage: { conversation: "better" } };
  const { text, edits, providerMessageId } = read({ editedMessage: { message: { protocolMessage } } });
  assert.deepEqual([text, edits, providerMessageId], ["better", "M0", "M1"]);
});

Deno.test("whatsapp knows when a group addresses us", () => {
  const say = (contextInfo: proto.IContextInfo) =>
    read({ extendedTextMessage: { text: "x", contextInfo } }, { remoteJid: group, participant: alice }).mentionsMe;
  assert.equal(say({}), false);
  assert.equal(say({ mentionedJid: [bob] }), false);
  assert.equal(say({ mentionedJid: [bob, "15550000001@s.whatsapp.net"] }), true);
  assert.equal(say({ mentionedJid: ["9001@lid"] }), true);
  assert.equal(say({ stanzaId: "M0", participant: "15550000001@s.whatsapp.net" }), true);
});

Deno.test("whatsapp keeps the author in the id of a message of a group, for quoting", () => {
  const { providerMessageId } = read({ conversation: "x" }, {
    remoteJid: group,
    participant: "4915100000001:7@s.whatsapp.net",
  });
  assert.deepEqual(parseProviderId(providerMessageId), { id: "M1", participant: alice });
});

Deno.test("whatsapp names a sender by phone number where it knows it", () => {
  const { sender } = read({ conversation: "x" }, { remoteJid: "9777@lid", remoteJidAlt: alice });
  assert.deepEqual(sender, { id: alice, handle: "4915100000001", aliases: ["9777@lid"] });
  assert.deepEqual(read({ conversation: "x" }, { remoteJid: "9777@lid" }).sender, { id: "9777@lid" });
});

Deno.test("whatsapp gives each kind of file with what is needed to fetch it", () => {
  const file = { directPath: "/v/1.enc", mediaKey: new Uint8Array(32), fileSha256: new Uint8Array(32), fileLength: 7 };
  const kinds = [
    [{ imageMessage: file }, "image", "image/jpeg"],
    [{ audioMessage: { ...file, mimetype: "audio/ogg; codecs=opus", ptt: true } }, "audio", "audio/ogg; codecs=opus"],
    [{ videoMessage: file }, "video", "video/mp4"],
    [{ stickerMessage: file }, "image", "image/webp"],
    [{ documentMessage: { ...file, mimetype: "application/pdf", fileName: "a.pdf" } }, "document", "application/pdf"],
  ] as const;
  for (const [message, kind, mimeType] of kinds) {
    const [attachment] = read(message).attachments;
    const parsed = attachmentSchema.parse(attachment);
    assert.deepEqual([parsed.kind, parsed.mimeType, parsed.sizeBytes], [kind, mimeType, 7]);
    assert.equal(parseMediaRef(parsed.ref)?.directPath, "/v/1.enc");
  }
});

Deno.test("whatsapp fetches from its own servers only", () => {
  const ref = (path: string) => JSON.stringify(["Image", path, "AAAA", "AAAA", "image/jpeg"]);
  assert.ok(parseMediaRef(ref("/v/1.enc")));
  for (const path of ["//evil.example/x", "https://evil.example/x", "@evil.example/", "/\\evil.example"]) {
    assert.equal(parseMediaRef(ref(path)), undefined, path);
  }
  assert.equal(parseMediaRef("no json"), undefined);
});
