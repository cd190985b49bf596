import type { Outbox } from "../agent/outbox.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import { outboundSchema } from "../core/message.ts";
import type { ChannelDesk, ChannelPlace } from "../http/channel_routes.ts";
import { listConversations } from "../ledger/conversations.ts";
import { newId } from "../lib/id.ts";
import type { Live } from "../lib/live.ts";
import type { PluginHostRoom } from "../plugins/host.ts";

/** What a {@linkcode newChannelDesk} works with. */
export interface ChannelDeskDeps {
  readonly config: Live<Config>;
  readonly ledger: Pick<Ledger, "query">;
  readonly host: Pick<PluginHostRoom, "instances">;
  /** Absent until the agents have started. */
  outbox(): Pick<Outbox, "post"> | undefined;
  readonly clock: Clock;
}

/** What can be seen of channel instances, and tried. */
export function newChannelDesk({ config, ledger, host, outbox, clock }: ChannelDeskDeps): ChannelDesk {
  const find = ({ plugin, instance }: ChannelPlace) => {
    const instances = host.instances();
    const found = instances.find((one) => one.plugin === plugin && one.instance === instance);
    if (found !== undefined) return found;
    const known = instances.map((one) => `${one.plugin}.${one.instance}`).join(", ") || "none";
    throw new AppError("missing", `There is no channel ${plugin}.${instance}. There are: ${known}`, {
      reason: "unknown_channel",
    });
  };

  return {
    async conversations(place, filter, signal) {
      find(place);
      return await listConversations(ledger, { ...place, ...filter }, signal);
    },
    access(place) {
      find(place);
      return config.current.agents.flatMap(({ id, inbound_bindings }) =>
        inbound_bindings.filter(({ plugin, instance }) => plugin === place.plugin && instance === place.instance)
          .map(({ open, allow_from, pairing, groups, allow_groups }) => ({
            agent: id,
            open,
            allowFrom: allow_from,
            pairing,
            groups,
            allowGroups: allow_groups,
          }))
      );
    },
    async test(place, { conversation, thread, text, key }, signal) {
      const { state, reason } = find(place);
      const name = `${place.plugin}.${place.instance}`;
      if (state === "down" || state === "starting") {
        throw new AppError("unavailable", `${name} cannot send: ${reason ?? "it is not up; see its log"}`, {
          reason: "channel_down",
        });
      }
      const sender = outbox();
      if (sender === undefined) throw new AppError("unavailable", "The agents are starting", { reason: "starting" });
      const message = outboundSchema.parse({
        key: `test:${key ?? newId(clock.now())}`,
        conversation,
        ...(thread === undefined ? {} : { thread }),
        text,
      });
      const posted = await sender.post(place, message, signal);
      return posted.state === "sent"
        ? { state: "sent", key: message.key, providerMessageIds: posted.receipt.providerMessageIds }
        : { state: posted.state, key: message.key, providerMessageIds: [], reason: posted.reason };
    },
  };
}
