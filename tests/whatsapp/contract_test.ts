import { maxTextUnits } from "../../plugins/whatsapp/content.ts";
import { whatsapp } from "../../plugins/whatsapp/plugin.ts";
import { channelContract } from "../channel_contract.ts";
import { openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { linkFolder, toConfig } from "./room.ts";

const refusals = { rate_limited: 429, broken: 503, blocked: 403, unknown_conversation: 404 } as const;

channelContract("whatsapp", () => {
  const fake = openFakeWhatsApp();
  const toPhone = (conversation: string) => conversation.replace(/@.*/, "");
  return Promise.resolve({
    plugin: whatsapp,
    config: whatsapp.config.parse(toConfig(fake)),
    conversations: ["4915100000007@s.whatsapp.net", "4915100000008@s.whatsapp.net"] as const,
    maxTextUnits,
    prepare: (stateDir: string) => linkFolder(fake, stateDir),
    deliver(conversation: string, text: string, file?: Uint8Array) {
      const from = toPhone(conversation);
      if (file === undefined) return void fake.inject({ from, text });
      const documentMessage = { ...fake.addFile(file, "application/pdf"), caption: text };
      fake.inject({ from, content: { documentWithCaptionMessage: { message: { documentMessage } } } });
    },
    get unconfirmed() {
      return fake.pending;
    },
    confirmed: fake.drained,
    get sent() {
      return fake.seen.map(({ to, text, id }) => ({ conversation: `${to}@s.whatsapp.net`, text, id }));
    },
    get typings() {
      return fake.chatStates.filter((state) => state === "composing").length;
    },
    refuseNext: (how: keyof typeof refusals) => fake.refuseSend(refusals[how]),
    breakAfter: (good: number) => fake.refuseSend(503, good),
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  });
});
