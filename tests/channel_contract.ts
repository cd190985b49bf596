import assert from "node:assert/strict";
import type { PluginInstance } from "../src/config/config.ts";
import { AppError } from "../src/core/error.ts";
import type { Plugin } from "../src/core/plugin.ts";
import { calls, inboundEventSchema } from "../src/core/topics.ts";
import type { FakeEvent } from "./fixtures/fake_bus.ts";
import { rejectsWith } from "./fixtures/rejects_with.ts";
import { openTestHost, type TestHost } from "./plugins/host_room.ts";

/** A channel with a fake of its provider, as the contract drives it. */
export interface ChannelUnderTest extends AsyncDisposable {
  readonly plugin: Plugin;
  /** Config of the instance `main`, parsed. */
  readonly config: unknown;
  /** Puts into the instance's folder what it needs to be connected. Absent: nothing. */
  prepare?(stateDir: string): Promise<void>;
  /** Two conversations that the provider knows. */
  readonly conversations: readonly [string, string];
  /** Longest text of one message of the provider, in UTF-16 units, where there is one. */
  readonly maxTextUnits?: number;
  /** Somebody writes `text`, with a file where `file` is given. */
  deliver(conversation: string, text: string, file?: Uint8Array): void;
  /** Messages that the provider still keeps for us, because we did not take them. */
  readonly unconfirmed: number;
  /** Resolves when the provider keeps none. */
  confirmed(signal: AbortSignal): Promise<void>;
  /** What the provider took from us, in order. */
  readonly sent: readonly { readonly conversation: string; readonly text: string; readonly id: string }[];
  /** How often the provider was told that somebody writes. */
  readonly typings: number;
  /** The provider answers the next send with this. */
  refuseNext(how: "rate_limited" | "broken" | "blocked" | "unknown_conversation"): void;
  /** The provider takes the next sends, and refuses the one after `good` of them with a failure that passes. */
  breakAfter(good: number): void;
}

/**
 * What every channel must do. `setup` makes a fresh one for each case. `hasLongestText`: whether the provider has a
 * longest message, so that longer texts go out in parts.
 */
export function channelContract(
  name: string,
  setup: () => Promise<ChannelUnderTest>,
  { hasLongestText = true }: { readonly hasLongestText?: boolean } = {},
): void {
  const fact = (text: string, run: (channel: ChannelUnderTest, room: TestHost) => Promise<void>) =>
    Deno.test(`${name} ${text}`, async () => {
      await using channel = await setup();
      await using room = await openTestHost(channel.plugin);
      await channel.prepare?.(`${room.dataDir}/plugins/${channel.plugin.id}/main`);
      await run(channel, room);
    });
  const partsFact = (
    text: string,
    run: (channel: ChannelUnderTest, room: TestHost, maxTextUnits: number) => Promise<void>,
  ) => {
    if (!hasLongestText) return;
    fact(text, (channel, room) => run(channel, room, channel.maxTextUnits ?? assert.fail("how long is a message?")));
  };
  const open = async (channel: ChannelUnderTest, room: TestHost) => {
    await room.host.apply([toInstance(channel)]);
    await room.logged("main", "plugin.ready");
  };

  fact("starts, and says who it is", async (channel, room) => {
    await open(channel, room);
    const [view] = room.host.instances();
    assert.equal(view?.state, "up");
    assert.ok(view?.identity);
  });

  fact("confirms a message to its provider only when the runtime has it", async (channel, room) => {
    const [conversation] = channel.conversations;
    const resume = room.bus.pause();
    await open(channel, room);
    channel.deliver(conversation, "hello");
    await room.bus.untilWaiting(1, room.signal);
    assert.equal(channel.unconfirmed, 1);
    resume();
    await channel.confirmed(room.signal);
    const [message] = received(room.bus.published);
    assert.equal(message?.text, "hello");
    assert.equal(message?.conversation, conversation);
    assert.ok(message?.sender.id && message.providerMessageId);
    assert.equal(message?.isGroup, false);
  });

  fact("hands a message over again that the runtime could not take", async (channel, room) => {
    room.bus.refuseNext(new AppError("unavailable", "the disk is full"));
    await open(channel, room);
    channel.deliver(channel.conversations[0], "hello");
    await channel.confirmed(room.signal);
    assert.deepEqual(received(room.bus.published).map(({ text }) => text), ["hello"]);
  });

  fact("gives a message the same id however often it is delivered", async (channel, room) => {
    const [conversation] = channel.conversations;
    const resume = room.bus.pause();
    await open(channel, room);
    channel.deliver(conversation, "hello");
    await room.bus.untilWaiting(1, room.signal);
    await room.host.apply([]);
    resume();
    await room.bus.nextEvent(() => true, room.signal);
    assert.equal(channel.unconfirmed, 1);
    await room.host.apply([toInstance(channel)]);
    channel.deliver(conversation, "and then");
    await channel.confirmed(room.signal);
    assert.deepEqual(received(room.bus.published).map(({ text }) => text), ["hello", "and then"]);
  });

  fact("keeps the order within each conversation", async (channel, room) => {
    for (let index = 0; index < 40; index++) channel.deliver(channel.conversations[index % 2 ? 1 : 0], `${index}`);
    await open(channel, room);
    await channel.confirmed(room.signal);
    for (const [offset, conversation] of channel.conversations.entries()) {
      assert.deepEqual(
        received(room.bus.published).filter((message) => message.conversation === conversation).map(({ text }) => text),
        Array.from({ length: 20 }, (_, index) => `${2 * index + offset}`),
      );
    }
  });

  fact("sends a message and gives the provider's id of it", async (channel, room) => {
    const [conversation] = channel.conversations;
    await open(channel, room);
    const { providerMessageIds } = await room.send("main", "hello", { conversation });
    assert.deepEqual(channel.sent.map(({ id }) => id), providerMessageIds);
    assert.deepEqual([channel.sent[0]?.conversation, channel.sent[0]?.text], [conversation, "hello"]);
  });

  partsFact(
    "cuts a long text into parts that arrive in order and break no character",
    async (channel, room, maxTextUnits) => {
      const [conversation] = channel.conversations;
      const text = "👩‍👩‍👧 and ".repeat(Math.ceil(maxTextUnits / 4)).trim();
      await open(channel, room);
      const { providerMessageIds } = await room.send("main", text, { conversation });
      assert.ok(providerMessageIds.length > 1);
      assert.deepEqual(channel.sent.map(({ id }) => id), providerMessageIds);
      for (const part of channel.sent) {
        assert.ok(part.text.length <= maxTextUnits && part.text.isWellFormed());
      }
      assert.equal(channel.sent.map((part) => part.text).join(" "), text);
    },
  );

  partsFact("goes on with the part that failed when a send is tried again", async (channel, room, maxTextUnits) => {
    const [conversation] = channel.conversations;
    const rest = { conversation, key: "one message" };
    const text = "word ".repeat(maxTextUnits).trim();
    await open(channel, room);
    channel.breakAfter(2);
    await rejectsWith("unavailable", room.send("main", text, rest));
    assert.equal(channel.sent.length, 2);
    const { providerMessageIds } = await room.send("main", text, rest);
    assert.deepEqual(channel.sent.map(({ id }) => id), providerMessageIds);
    assert.equal(channel.sent.map((part) => part.text).join(" "), text);
    assert.deepEqual(await room.send("main", text, rest), { providerMessageIds });
    assert.equal(channel.sent.length, providerMessageIds.length);
  });

  fact("sends a message once, however often the same key is sent", async (channel, room) => {
    const rest = { conversation: channel.conversations[0], key: "one message" };
    await open(channel, room);
    const receipt = await room.send("main", "hello", rest);
    assert.deepEqual(await room.send("main", "hello", rest), receipt);
    // Where a resend shows once, nobody asks what became of the first one.
    if (!channel.plugin.traits.idempotentSend) {
      const call = calls.find(channel.plugin.id, "main");
      assert.deepEqual((await room.bus.request(call, { key: rest.key }, room)).receipt, receipt);
    }
    assert.equal(channel.sent.length, 1);
  });

  for (
    const [how, kind] of [
      ["rate_limited", "unavailable"],
      ["broken", "unavailable"],
      ["blocked", "denied"],
      ["unknown_conversation", "missing"],
    ] as const
  ) {
    fact(`tells a refused send as ${kind} (${how})`, async (channel, room) => {
      await open(channel, room);
      channel.refuseNext(how);
      const error = await rejectsWith(
        kind,
        room.send("main", "hello", { conversation: channel.conversations[0] }),
      );
      if (how === "rate_limited") assert.ok((error.retryAfterMs ?? 0) > 0);
      assert.equal(channel.sent.length, 0);
    });
  }

  fact("shows that somebody writes, where it says that it can", async (channel, room) => {
    await open(channel, room);
    const [conversation] = channel.conversations;
    const { shown } = await room.bus.request(calls.typing(channel.plugin.id, "main"), { conversation }, room);
    assert.equal(shown, channel.plugin.traits.typing);
    assert.equal(channel.typings, shown ? 1 : 0);
  });

  fact("fetches an attachment, and none that is too large", async (channel, room) => {
    const bytes = crypto.getRandomValues(new Uint8Array(5_000));
    await open(channel, room);
    channel.deliver(channel.conversations[0], "look", bytes);
    await channel.confirmed(room.signal);
    const ref = received(room.bus.published)[0]?.attachments[0]?.ref ?? assert.fail("no attachment");
    const call = calls.fetch(channel.plugin.id, "main");
    const file = await room.bus.request(call, { ref, maxBytes: 5_000 }, room);
    assert.deepEqual(await Deno.readFile(file.path), bytes);
    assert.equal(file.sizeBytes, 5_000);
    await rejectsWith("invalid", room.bus.request(call, { ref, maxBytes: 4_999 }, room));
  });

  fact("stops receiving and still sends", async (channel, room) => {
    const [conversation] = channel.conversations;
    await open(channel, room);
    await room.host.stopReceiving();
    channel.deliver(conversation, "too late");
    await room.send("main", "still here", { conversation });
    assert.deepEqual(channel.sent.map(({ text }) => text), ["still here"]);
    assert.equal(room.bus.published.length, 0);
    assert.equal(channel.unconfirmed, 1);
  });

  fact("holds no more than the runtime takes while intake is paused", async (channel, room) => {
    const resume = room.pauseIntake();
    await open(channel, room);
    channel.deliver(channel.conversations[0], "hello");
    await room.send("main", "sends go on", { conversation: channel.conversations[0] });
    assert.deepEqual([room.bus.published.length, channel.unconfirmed], [0, 1]);
    resume();
    await channel.confirmed(room.signal);
    assert.equal(room.bus.published.length, 1);
  });

  fact("is refused every permission but its own", async (channel, room) => {
    const probing = { ...channel.plugin, worker: new URL("./plugins/workers/probing.ts", import.meta.url) };
    await using probe = await openTestHost(probing);
    await probe.host.apply([toInstance(channel)]);
    await probe.logged("main", "plugin.ready");
    const { providerMessageIds: attempts } = await probe.send("main", "list");
    for (const attempt of attempts) {
      assert.equal((await probe.send("main", attempt)).providerMessageIds[0], "refused", attempt);
    }
    assert.equal(room.host.instances().length, 0);
  });
}

/** The messages in `events`. */
export function received(events: readonly FakeEvent[]) {
  return events.map(({ payload }) => inboundEventSchema.parse(payload).message);
}

function toInstance({ plugin, config }: ChannelUnderTest): PluginInstance {
  return { plugin: plugin.id, instance: "main", config };
}
