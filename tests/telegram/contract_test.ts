import { maxTextUnits } from "../../plugins/telegram/outbound.ts";
import { telegram } from "../../plugins/telegram/plugin.ts";
import { channelContract } from "../channel_contract.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";

const refusals = {
  rate_limited: {
    status: 429,
    body: {
      ok: false,
      error_code: 429,
      description: "Too Many Requests: retry after 3",
      parameters: { retry_after: 3 },
    },
  },
  broken: { status: 502, body: "<html>Bad Gateway</html>" },
  blocked: {
    status: 403,
    body: { ok: false, error_code: 403, description: "Forbidden: bot was blocked by the user" },
  },
  unknown_conversation: {
    status: 400,
    body: { ok: false, error_code: 400, description: "Bad Request: chat not found" },
  },
} as const;

channelContract("telegram", async () => {
  const api = await openFakeBotApi();
  return {
    plugin: telegram,
    config: telegram.config.parse({ token: api.token, api_root: api.url }),
    conversations: ["7", "8"],
    maxTextUnits,
    deliver(conversation, text, file) {
      const document = file && { file_id: api.addFile(file, "documents/file_1.pdf"), mime_type: "application/pdf" };
      api.inject({
        chat: Number(conversation),
        ...(document === undefined ? { text } : { extra: { caption: text, document } }),
      });
    },
    get unconfirmed() {
      return api.pendingUpdates().length;
    },
    confirmed: api.drained,
    get sent() {
      return api.sent.map(({ chatId, text, messageId }) => ({
        conversation: String(chatId),
        text,
        id: String(messageId),
      }));
    },
    get typings() {
      return api.calls.filter(({ method }) => method === "sendChatAction").length;
    },
    refuseNext: (how) => api.fail("sendMessage", refusals[how]),
    breakAfter: (good) => api.fail("sendMessage", { ...refusals.broken, after: good }),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
});
