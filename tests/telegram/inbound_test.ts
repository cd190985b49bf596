import assert from "node:assert/strict";
import { toInbound } from "../../plugins/telegram/inbound.ts";
import { updateSchema } from "../../plugins/telegram/update.ts";
import { inboundSchema } from "../../src/core/message.ts";

const me = { id: 99, first_name: "Nexo", username: "Nexo_bot" };
const ana = { id: 7, is_bot: false, first_name: "Ana", last_name: "Ortiz", username: "ana" };
const privateChat = { id: 7, type: "private" };
const group = { id: -100, type: "supergroup", title: "Team" };

function map(message: object, kind = "message") {
  const base = { message_id: 5, date: 1_700_000_000, chat: privateChat, from: ana };
  return toInbound(updateSchema.parse({ update_id: 1, [kind]: { ...base, ...message } }), me);
}

function mapped(message: object, kind?: string) {
  const result = map(message, kind);
  assert.equal(result.kind, "message");
  return inboundSchema.parse(result.kind === "message" ? result.message : undefined);
}

function skipped(message: object, kind?: string) {
  const result = map(message, kind);
  return result.kind === "skipped" ? result.reason : result.message;
}

Deno.test("telegram maps a text with its sender", () => {
  const message = mapped({ text: "hello" });
  assert.deepEqual(message, {
    conversation: "7",
    providerMessageId: "5",
    sender: { id: "7", name: "Ana Ortiz", handle: "ana" },
    text: "hello",
    attachments: [],
    isGroup: false,
    mentionsMe: false,
    sentAt: "2023-11-14T22:13:20.000Z",
  });
});

Deno.test("telegram maps a photo to its largest size, with the caption as text", () => {
  const photo = [{ file_id: "s", file_size: 10 }, { file_id: "l", file_size: 90 }, { file_id: "m", file_size: 50 }];
  const message = mapped({ photo, caption: "see" });
  assert.equal(message.text, "see");
  assert.deepEqual(message.attachments, [{
    kind: "image",
    mimeType: "image/jpeg",
    sizeBytes: 90,
    ref: "l image/jpeg",
  }]);
});

Deno.test("telegram maps voice, audio, video, round video, animations and documents", () => {
  const file = { file_id: "f" };
  const kinds = [
    [{ voice: file }, "audio", "audio/ogg"],
    [{ audio: { ...file, mime_type: "audio/flac" } }, "audio", "audio/flac"],
    [{ video: file }, "video", "video/mp4"],
    [{ video_note: file }, "video", "video/mp4"],
    [{ animation: file, document: file }, "video", "video/mp4"],
    [{ document: { ...file, mime_type: "application/pdf", file_name: "a.pdf" } }, "document", "application/pdf"],
    [{ document: { ...file, mime_type: "image/png" } }, "image", "image/png"],
  ] as const;
  for (const [fields, kind, mimeType] of kinds) {
    const { attachments: [attachment], text } = mapped(fields);
    assert.deepEqual([attachment?.kind, attachment?.mimeType, text], [kind, mimeType, ""]);
  }
});

Deno.test("telegram tells in words what has no text", () => {
  const texts = [
    [{ sticker: { emoji: "👍", set_name: "Cats" } }, "[Sticker 👍 Cats]"],
    [{ location: { latitude: 52.5, longitude: 13.4 } }, "[Location: 52.5, 13.4]"],
    [
      { venue: { title: "Bar", address: "Main St" }, location: { latitude: 1, longitude: 2 } },
      "[Place: Bar, Main St: 1, 2]",
    ],
    [{ contact: { first_name: "Bo", phone_number: "+49" } }, "[Contact: Bo, +49]"],
    [{ poll: { question: "Go?", options: [{ text: "yes" }, { text: "no" }] } }, "[Poll: Go? yes / no]"],
    [{ dice: { emoji: "🎲", value: 4 } }, "[Dice 🎲 shows 4]"],
    [{ paid_media: {} }, "[A message of a kind that cannot be read here: paid media]"],
  ] as const;
  for (const [fields, text] of texts) assert.equal(mapped(fields).text, text);
});

Deno.test("telegram quotes what a message replies to", () => {
  const reply_to_message = { message_id: 3, from: ana, text: "the whole text" };
  assert.deepEqual(mapped({ text: "yes", reply_to_message }).quoted, {
    providerMessageId: "3",
    text: "the whole text",
  });
  const { quoted } = mapped({ text: "yes", reply_to_message, quote: { text: "whole" } });
  assert.deepEqual(quoted, { providerMessageId: "3", text: "whole" });
});

Deno.test("telegram hands forwarded words over as a quotation, not as the sender's own", () => {
  const message = mapped({ text: "obey me", forward_origin: { type: "hidden_user", sender_user_name: "Eve" } });
  assert.equal(message.text, "[Forwarded from Eve]");
  assert.equal(message.quoted?.text, "obey me");
});

Deno.test("telegram gives each edit its own id and names what it edits", () => {
  const first = mapped({ text: "new", edit_date: 1_700_000_050 }, "edited_message");
  assert.equal(first.providerMessageId, "5:edit:1700000050.1");
  assert.equal(first.edits, "5");
  assert.equal(first.sentAt, "2023-11-14T22:14:10.000Z");
});

Deno.test("telegram tells apart messages that only the bot can see", () => {
  assert.equal(
    mapped({ message_id: 0, ephemeral_message_id: 12, text: "x" }).providerMessageId,
    "ephemeral:12:1700000000",
  );
});

Deno.test("telegram knows when a group addresses the bot", () => {
  const addressed = [
    { text: "@nexo_BOT hi", entities: [{ type: "mention", offset: 0, length: 9 }] },
    { text: "😀 @nexo_bot", entities: [{ type: "mention", offset: 3, length: 9 }] },
    { text: "/ask@nexo_bot x", entities: [{ type: "bot_command", offset: 0, length: 13 }] },
    { text: "hey Nexo", entities: [{ type: "text_mention", offset: 4, length: 4, user: me }] },
    { caption: "@nexo_bot", photo: [{ file_id: "f" }], caption_entities: [{ type: "mention", offset: 0, length: 9 }] },
    { text: "yes", reply_to_message: { message_id: 3, from: me } },
  ];
  for (const fields of addressed) {
    assert.equal(mapped({ chat: group, ...fields }).mentionsMe, true, JSON.stringify(fields));
  }
  const others = [
    { text: "nexo_bot is a bot" },
    { text: "@other_bot hi", entities: [{ type: "mention", offset: 0, length: 10 }] },
    { text: "/ask@other_bot", entities: [{ type: "bot_command", offset: 0, length: 14 }] },
    { text: "yes", reply_to_message: { message_id: 3, from: ana } },
  ];
  for (const fields of others) {
    assert.equal(mapped({ chat: group, ...fields }).mentionsMe, false, JSON.stringify(fields));
  }
});

Deno.test("telegram takes the bot's name off a command", () => {
  const entities = [{ type: "bot_command", offset: 0, length: 15 }];
  assert.equal(mapped({ text: "/start@nexo_bot now", entities }).text, "/start now");
  assert.equal(mapped({ text: "/start@else_bot now", entities }).text, "/start@else_bot now");
});

Deno.test("telegram makes a forum topic a thread, and a chain of replies not", () => {
  assert.equal(mapped({ chat: group, text: "x", is_topic_message: true, message_thread_id: 4 }).thread, "4");
  assert.equal(mapped({ chat: group, text: "x", message_thread_id: 4 }).thread, undefined);
});

Deno.test("telegram takes an anonymous administrator for the group", () => {
  const from = { id: 1087968824, is_bot: true, first_name: "Group" };
  assert.deepEqual(mapped({ chat: group, from, sender_chat: group, text: "x" }).sender, { id: "-100", name: "Team" });
});

Deno.test("telegram passes over what nobody said to the bot", () => {
  assert.equal(skipped({ chat: { id: -5, type: "channel" }, text: "post" }), "channel_post");
  assert.equal(skipped({ chat: group, is_automatic_forward: true, text: "post" }), "channel_post");
  assert.equal(skipped({ from: { ...ana, is_bot: true }, text: "beep" }), "from_a_bot");
  assert.equal(skipped({ new_chat_title: "New" }), "service_message");
  assert.equal(
    skipped({ location: { latitude: 1, longitude: 2, live_period: 60 } }, "edited_message"),
    "live_location",
  );
  assert.equal(skipped({}, "channel_post"), "other_kind");
});
