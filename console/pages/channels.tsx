import type { Signal } from "@preact/signals";
import type { ChannelView } from "../../src/http/channels_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import { Empty, Head, Pill, When } from "../ui.tsx";
import { People } from "./people.tsx";

/** How each channel's connection stands, and why; how to link one that waits for that. */
export function ChannelsPage({ status }: { readonly status: Signal<Status | undefined> }) {
  const channels = status.value?.channels;
  if (channels === undefined) return null;
  return (
    <>
      <Head title="Channels" />
      {channels.length === 0
        ? (
          <Empty title="No channels yet.">
            <p>
              Agents answer here and over the API. To let them answer on Telegram, write this to
              config/plugins/telegram.yaml:
            </p>
            <p>
              <code>{'telegram: [{ instance: sales, token: "${file:./secrets/telegram_sales}" }]'}</code>
            </p>
          </Empty>
        )
        : (
          <div class="list">
            {channels.map((channel) => <ChannelRow key={`${channel.plugin}.${channel.instance}`} channel={channel} />)}
          </div>
        )}
      <People />
    </>
  );
}

function ChannelRow({ channel }: { readonly channel: ChannelView }) {
  const { plugin, instance, identity, agents, lastInboundAt, lastOutboundAt, state, reason } = channel;
  return (
    <div class="row channel">
      <div>
        <strong>{plugin}.{instance}</strong> {identity !== undefined && <span class="soft">{identity}</span>}
      </div>
      <span class="soft">
        {agents.length === 0 ? "heard by nobody" : `heard by ${agents.join(", ")}`}
        {lastInboundAt !== undefined && [", last heard ", <When at={lastInboundAt} />]}
        {lastOutboundAt !== undefined && [", last answered ", <When at={lastOutboundAt} />]}
      </span>
      <Pill state={state} />
      {reason !== undefined && <p class="reason">{reason}</p>}
      <Pairing channel={channel} />
    </div>
  );
}

function Pairing({ channel: { plugin, instance, pairing } }: { readonly channel: ChannelView }) {
  if (pairing === undefined) return null;
  if ("code" in pairing) {
    return (
      <p class="pairing">
        <code>{pairing.code}</code>
      </p>
    );
  }
  const path = [plugin, instance].map(encodeURIComponent).join("/");
  // The time makes the browser fetch the next code.
  const address = `/api/channels/${path}/qr.svg?until=${encodeURIComponent(pairing.expiresAt)}`;
  return (
    <p class="pairing">
      <img src={address} alt="QR code to scan with the phone" width={280} height={280} />
    </p>
  );
}
