import { email } from "../../plugins/email/plugin.ts";
import type { Inbound } from "../../src/core/message.ts";
import { received } from "../channel_contract.ts";
import type { RecordedEntry } from "../fixtures/recorded_log.ts";
import type { FakeSmtpOptions } from "../fixtures/fake_smtp.ts";
import { openTestHost, type TestHost } from "../plugins/host_room.ts";
import { type MailServers, openMailServers } from "./mail_room.ts";

/** An account on real servers, in a plugin host. */
export interface AccountRoom extends AsyncDisposable {
  readonly servers: MailServers;
  readonly room: TestHost;
  /** Applies the account's config anew; absent: closes the account. */
  apply(config?: Readonly<Record<string, unknown>>): Promise<void>;
  /** What the runtime got so far. */
  messages(): readonly Inbound[];
  /** The first message whose text has `part`. */
  nextMessage(part: string): Promise<Inbound>;
  nextLog(event: string): Promise<RecordedEntry>;
  /** Reasons with which `event` was logged so far. */
  reasons(event: string): readonly unknown[];
}

/** Opens the account with `config` laid over its settings and waits until it is ready. */
export async function openAccount(
  config: Readonly<Record<string, unknown>> = {},
  prepare: (servers: MailServers) => void | Promise<void> = () => {},
  smtp?: FakeSmtpOptions,
  introspectionUrl?: string,
): Promise<AccountRoom> {
  await using cleanup = new AsyncDisposableStack();
  const servers = cleanup.use(await openMailServers(smtp, introspectionUrl));
  await prepare(servers);
  const room = cleanup.use(await openTestHost(email));
  const messages = () => received(room.bus.published);
  const nextLog = (event: string) => room.log.nextEntry((entry) => entry.event === event, room.signal);
  const apply = async (settings?: Readonly<Record<string, unknown>>) => {
    const instances = settings === undefined ? [] : [settings].map((rest) => ({
      plugin: "email",
      instance: "main",
      config: email.config.parse(servers.config(rest)),
    }));
    await room.host.apply(instances);
  };
  await apply(config);
  await nextLog("plugin.ready");
  const owned = cleanup.move();
  return {
    servers,
    room,
    apply,
    messages,
    async nextMessage(part) {
      await room.bus.nextEvent(() => messages().some(({ text }) => text.includes(part)), room.signal);
      const message = messages().find(({ text }) => text.includes(part));
      if (message === undefined) throw new Error(`no message with ${part}`);
      return message;
    },
    nextLog,
    reasons: (event) => room.log.entries.filter((entry) => entry.event === event).map(({ fields }) => fields["reason"]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
