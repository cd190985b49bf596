import { whatsapp } from "../../plugins/whatsapp/plugin.ts";
import { openAuthStore } from "../../plugins/whatsapp/auth_store.ts";
import { proto } from "baileys";
import type { PluginInstanceView } from "../../src/plugins/instance.ts";
import { eventually } from "../e2e/black_box.ts";
import { type FakeWhatsApp, openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { openTestHost, type TestHost } from "../plugins/host_room.ts";

/** Phone number of the account that tests link. */
export const account = "15550000001";
/** Somebody who writes to it. */
export const alice = "4915100000001";

/** A plugin host, and WhatsApp. */
export interface WhatsAppRoom extends AsyncDisposable {
  readonly fake: FakeWhatsApp;
  readonly room: TestHost;
  /** Opens these instances, closing the others. */
  apply(...instances: readonly string[]): Promise<void>;
  view(instance?: string): PluginInstanceView | undefined;
  /** Resolves with the view of the instance when `find` gives something. */
  until<T>(find: (view: PluginInstanceView) => T | undefined, instance?: string): Promise<T>;
  untilUp(instance?: string): Promise<void>;
  /** Scans the QR code that the instance shows, and waits until it is up. */
  pair(instance?: string, phone?: string): Promise<void>;
}

/** Opens a {@linkcode WhatsAppRoom} without instances. */
export async function openWhatsAppRoom(config: object = {}): Promise<WhatsAppRoom> {
  await using cleanup = new AsyncDisposableStack();
  const fake = cleanup.use(openFakeWhatsApp());
  const room = cleanup.use(await openTestHost(whatsapp));
  const parsed = whatsapp.config.parse(toConfig(fake, config));
  const view = (instance = "main") => room.host.instances().find((one) => one.instance === instance);
  async function until<T>(find: (view: PluginInstanceView) => T | undefined, instance = "main"): Promise<T> {
    let found: T | undefined;
    await eventually(() => {
      const current = view(instance);
      found = current && find(current);
      return Promise.resolve(found !== undefined);
    }, `${instance}: ${JSON.stringify(view(instance))}`);
    if (found === undefined) throw new Error("unreachable");
    return found;
  }
  const untilUp = async (instance?: string) => {
    await until(({ state }) => state === "up" ? true : undefined, instance);
  };
  const owned = cleanup.move();
  return {
    fake,
    room,
    apply: (...instances) =>
      room.host.apply(instances.map((instance) => ({ plugin: "whatsapp", instance, config: parsed }))),
    view,
    until,
    async pair(instance = "main", phone = account) {
      fake.scan(await until(toQr, instance), phone);
      await untilUp(instance);
    },
    untilUp,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The QR code that an instance shows. */
export function toQr({ pairing }: PluginInstanceView): string | undefined {
  return pairing !== undefined && "qr" in pairing ? pairing.qr : undefined;
}

/** Config of an instance on `fake`, with limits that no test meets. */
export function toConfig(fake: FakeWhatsApp, config: object = {}): object {
  const rate_limit = { per_second: 100, chat_per_second: 100, burst: 100 };
  return { url: fake.url, media_url: fake.mediaUrl, rate_limit, ...config };
}

/** Writes credentials into the folder of an instance as if its QR code had been scanned. */
export async function linkFolder(fake: FakeWhatsApp, stateDir: string, phone = account): Promise<void> {
  await Deno.mkdir(stateDir, { recursive: true, mode: 0o700 });
  using store = openAuthStore(`${stateDir}/auth.db`);
  const linked = fake.link(store.creds.signedIdentityKey.public, phone);
  store.creds.me = { id: linked.jid, lid: linked.lid };
  store.creds.account = proto.ADVSignedDeviceIdentity.decode(linked.account);
  store.save();
}
