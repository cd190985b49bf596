import { get } from "./api.js";
import { empty, h, head, pill, when } from "./dom.js";

/** How each channel's connection stands, and why. */
export async function openChannels(main) {
  const { channels } = await get("/api/channels");
  main.replaceChildren(
    head("Channels"),
    channels.length === 0
      ? empty(
        "No channels yet.",
        "Agents answer here and over the API. To let them answer on Telegram, write this to config/plugins/telegram.yaml:",
        h("code", {}, 'telegram: [{ instance: sales, token: "${file:./secrets/telegram_sales}" }]'),
      )
      : h("div", { class: "list" }, ...channels.map(channelRow)),
  );
}

function channelRow(channel) {
  return h(
    "div",
    { class: "row channel" },
    h(
      "div",
      {},
      h("strong", {}, `${channel.plugin}.${channel.instance}`),
      channel.identity === undefined ? "" : h("span", { class: "soft" }, ` ${channel.identity}`),
    ),
    h(
      "span",
      { class: "soft" },
      channel.agents.length === 0 ? "heard by nobody" : `heard by ${channel.agents.join(", ")}`,
      ...(channel.lastInboundAt === undefined ? [] : [", last heard ", when(channel.lastInboundAt)]),
      ...(channel.lastOutboundAt === undefined ? [] : [", last answered ", when(channel.lastOutboundAt)]),
    ),
    pill(channel.state),
    channel.reason === undefined ? "" : h("p", { class: "reason" }, channel.reason),
  );
}
