import { useState } from "preact/hooks";
import type { Activity } from "../../src/http/activity_api.ts";
import type { ChannelAccess, ChannelView } from "../../src/http/channels_api.ts";
import { get, post } from "../api.ts";
import type { LiveStatus } from "../live.ts";
import {
  Confirm,
  Empty,
  Failure,
  Head,
  Late,
  LateFold,
  Loading,
  Pill,
  type Question,
  useLoaded,
  When,
} from "../ui.tsx";
import { count } from "../words.ts";
import { TestMessage } from "./channel_test.tsx";
import { People } from "./people.tsx";

/** How each channel's connection stands, and why; what can be done about it, and who may talk. */
export function ChannelsPage({ live }: { readonly live: LiveStatus }) {
  const channels = live.status.value?.channels;
  const activity = live.activity.value;
  if (channels === undefined) return <Late />;
  return (
    <>
      <Head title="Channels" />
      {channels.length === 0
        ? (
          <Empty title="No channels yet.">
            <p>
              Agents answer here and over the API. To let them answer on Telegram: <code>agent setup telegram</code>
            </p>
            <p>
              Or write this to config/plugins/telegram.yaml:{" "}
              <code>{'telegram: [{ instance: sales, token: "${file:./secrets/telegram_sales}" }]'}</code>
            </p>
          </Empty>
        )
        : (
          <div class="list">
            {channels.map((channel) => <ChannelRow key={toName(channel)} channel={channel} activity={activity} />)}
          </div>
        )}
      <People activity={activity} />
    </>
  );
}

function toName({ plugin, instance }: ChannelView): string {
  return `${plugin}.${instance}`;
}

function toPath({ plugin, instance }: ChannelView): string {
  return `/api/channels/${[plugin, instance].map(encodeURIComponent).join("/")}`;
}

function ChannelRow({ channel, activity }: {
  readonly channel: ChannelView;
  readonly activity: Activity | undefined;
}) {
  const { identity, agents, lastInboundAt, lastOutboundAt, state, reason } = channel;
  const name = toName(channel);
  const lately = activity?.channels.find((one) => one.channel === name) ?? { received: 0, sent: 0 };
  return (
    <div class="row channel">
      <div>
        <strong>{name}</strong> {identity !== undefined && <span class="soft">{identity}</span>}
      </div>
      <span class="soft">{agents.length === 0 ? "heard by nobody" : `heard by ${agents.join(", ")}`}</span>
      <Pill state={state} />
      {reason !== undefined && <p class="reason">{reason}</p>}
      <p class="reason">
        Last in {lastInboundAt === undefined ? "never since the start" : <When at={lastInboundAt} />}, last out{" "}
        {lastOutboundAt === undefined ? "never since the start" : <When at={lastOutboundAt} />}. In the last hour{" "}
        {lately.received.toLocaleString()} in, {lately.sent.toLocaleString()} out.
      </p>
      <Pairing channel={channel} />
      <div class="doing">
        <LateFold summary="Send a test message">
          {() => <TestMessage name={name} path={toPath(channel)} />}
        </LateFold>
        <LateFold summary="Whom the config lets talk">{() => <Access path={toPath(channel)} />}</LateFold>
        <Restart channel={channel} />
      </div>
    </div>
  );
}

function Restart({ channel }: { readonly channel: ChannelView }) {
  const [question, setQuestion] = useState<Question>();
  const [told, setTold] = useState<{ text: string } | { error: unknown }>();
  const name = toName(channel);
  const ask = () =>
    setQuestion({
      title: `Restart ${name}?`,
      text: "Its worker is started anew. What comes in meanwhile waits with the provider, what goes out in the outbox.",
      action: "Restart",
    });
  const answer = async (agreed: boolean) => {
    setQuestion(undefined);
    if (!agreed) return;
    try {
      await post(`${toPath(channel)}/restart`, {});
      setTold({ text: `${name} was started anew.` });
    } catch (error) {
      setTold({ error });
    }
  };
  return (
    <div>
      <button type="button" onClick={ask}>Restart</button>{" "}
      <span role="status" class="soft">{told !== undefined && "text" in told && told.text}</span>
      {told !== undefined && "error" in told && <Failure error={told.error} />}
      <Confirm question={question} onAnswer={(agreed) => void answer(agreed)} />
    </div>
  );
}

const shownNames = 50;

/** What the config says about who may talk. It is changed there. */
function Access({ path }: { readonly path: string }) {
  const { loaded } = useLoaded((signal) => get<{ items: readonly ChannelAccess[] }>(`${path}/access`, {}, signal), [
    path,
  ]);
  return (
    <Loading of={loaded}>
      {({ items }) => (
        <>
          {items.length === 0 && <p class="soft">No agent hears this channel, so nobody is answered.</p>}
          {items.map((access) => (
            <p key={access.agent}>
              <strong>{access.agent}</strong>: {sayAccess(access)}
            </p>
          ))}
          <p class="soft">
            It stands in <a href="#/config/agents.yaml">agents.yaml</a>, under <code>inbound_bindings</code>.
          </p>
        </>
      )}
    </Loading>
  );
}

function sayAccess({ open, allowFrom, pairing, groups, allowGroups }: ChannelAccess): string {
  const names = allowFrom.slice(0, shownNames).join(", ");
  const more = allowFrom.length > shownNames ? ` and ${count(allowFrom.length - shownNames, "other")}` : "";
  const people = open
    ? "everybody may talk."
    : allowFrom.length === 0
    ? "nobody by name."
    : `${names}${more} may talk.`;
  const strangers = open
    ? ""
    : pairing
    ? " Others get a code, with which you can let them in below."
    : " Others get no answer.";
  const inGroups = {
    off: " In groups it never answers.",
    mention: " In groups it answers when it is addressed.",
    all: " In groups it answers everything.",
  }[groups];
  const which = groups === "off" || allowGroups.length === 0 ? "" : ` Groups: ${allowGroups.join(", ")}.`;
  return `${people}${strangers}${inGroups}${which}`;
}

function Pairing({ channel }: { readonly channel: ChannelView }) {
  const { pairing } = channel;
  if (pairing === undefined) return null;
  if ("code" in pairing) {
    return (
      <p class="pairing">
        Type this code on the phone: <code>{pairing.code}</code>
      </p>
    );
  }
  // The time makes the browser fetch the next code.
  const address = `${toPath(channel)}/qr.svg?until=${encodeURIComponent(pairing.expiresAt)}`;
  return (
    <p class="pairing">
      <img src={address} alt="QR code to scan with the phone" width={280} height={280} />
    </p>
  );
}
