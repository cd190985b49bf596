import assert from "node:assert/strict";
import { received } from "../channel_contract.ts";
import { account, alice, openWhatsAppRoom } from "./room.ts";

const conversation = `${alice}@s.whatsapp.net`;

Deno.test("whatsapp shows a QR code, links, receives, answers, and is still linked after a restart", async () => {
  await using setup = await openWhatsAppRoom();
  const { fake, room } = setup;
  await setup.apply("main");
  await setup.pair();
  assert.equal(setup.view()?.identity, `+${account}`);
  assert.equal(setup.view()?.pairing, undefined);
  fake.inject({ from: alice, text: "hello", encrypted: true });
  await fake.drained(room.signal);
  const [message] = received(room.bus.published);
  assert.equal(message?.conversation, conversation);
  assert.equal(message?.text, "hello");
  assert.equal(message?.sender.handle, alice);
  const { providerMessageIds } = await room.send("main", "hi there", { conversation });
  assert.deepEqual(fake.seen, [{ account, to: alice, id: providerMessageIds[0], text: "hi there" }]);
  await setup.apply();
  fake.inject({ from: alice, text: "while you were away", encrypted: true });
  await setup.apply("main");
  await setup.untilUp();
  await fake.drained(room.signal);
  assert.deepEqual(received(room.bus.published).map(({ text }) => text), ["hello", "while you were away"]);
  await room.send("main", "back again", { conversation });
  assert.deepEqual(fake.seen.map(({ text }) => text), ["hi there", "back again"]);
});
