import { email } from "../../plugins/email/plugin.ts";
import { toConversation } from "../../plugins/email/thread.ts";
import { channelContract } from "../channel_contract.ts";
import { newMail, openMailServers } from "./mail_room.ts";

const refusals = {
  rate_limited: { at: "data", code: 451, words: "4.7.1 too many mails, later" },
  broken: { at: "recipient", code: 421, words: "4.3.0 something is broken" },
  blocked: { at: "recipient", code: 550, words: "5.7.1 you may not write to them" },
  unknown_conversation: { at: "recipient", code: 550, words: "5.1.1 no such user" },
} as const;

const people = ["bob@people.test", "eve@people.test"] as const;
const rootOf = (person: string) => `root.${person}`;
const [bob, eve] = people;

channelContract("email", async () => {
  const servers = await openMailServers();
  const { imap, smtp } = servers;
  const conversations = [toConversation(bob, rootOf(bob)), toConversation(eve, rootOf(eve))] as const;
  let written = 0;
  const unconfirmed = () => imap.mails().filter(({ flags }) => !flags.includes("S")).length;
  return {
    plugin: email,
    config: email.config.parse(servers.config({ backfill: 1_000 })),
    conversations,
    deliver(conversation, text, file) {
      const from = conversation === conversations[0] ? bob : eve;
      const id = `${++written}.${from}`;
      imap.deliver(newMail({ from, id, text, references: [rootOf(from)], ...(file === undefined ? {} : { file }) }));
    },
    get unconfirmed() {
      return unconfirmed();
    },
    confirmed: (signal) => imap.until(() => unconfirmed() === 0, signal),
    get sent() {
      return smtp.sent.map(({ to, mail }) => ({
        conversation: conversations[to === bob ? 0 : 1],
        text: mail.text?.trim() ?? "",
        id: mail.messageId?.slice(1, -1) ?? "",
      }));
    },
    typings: 0,
    refuseNext: (how) => smtp.refuse(refusals[how]),
    breakAfter: (after) => smtp.refuse({ ...refusals.broken, after }),
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  };
}, { hasLongestText: false });
