import { get } from "./api.js";
import { empty, h, head, pill, when } from "./dom.js";

const refreshMs = 3_000;

/** How each channel's connection stands, and why. While one waits to be linked, the page follows its code. */
export async function openChannels(main, _given, signal) {
  const { channels } = await get("/api/channels", {}, signal);
  if (channels.some(({ pairing }) => pairing !== undefined)) {
    const again = () => signal.aborted || openChannels(main, _given, signal).catch(again);
    setTimeout(again, refreshMs);
  }
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
    channel.pairing === undefined ? "" : pairing(channel),
  );
}

function pairing({ plugin, instance, pairing: { code, expiresAt } }) {
  if (code !== undefined) return h("p", { class: "pairing" }, h("code", {}, code));
  const path = [plugin, instance].map(encodeURIComponent).join("/");
  // The time makes the browser fetch the next code.
  const src = `/api/channels/${path}/qr.svg?until=${encodeURIComponent(expiresAt)}`;
  return h(
    "p",
    { class: "pairing" },
    h("img", { src, alt: "QR code to scan with the phone", width: 280, height: 280 }),
  );
}
