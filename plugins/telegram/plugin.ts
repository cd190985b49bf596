import type { Plugin } from "../../src/core/plugin.ts";
import { telegramConfigSchema } from "./config.ts";

/** Telegram bots, one an instance. */
export const telegram: Plugin<typeof telegramConfigSchema> = {
  id: "telegram",
  config: telegramConfigSchema,
  worker: new URL("./worker.ts", import.meta.url),
  // The Bot API takes no id of ours for a message.
  traits: { idempotentSend: false, typing: true },
  permissions: ({ api_root }, stateDir) => ({ net: [toHostAndPort(api_root)], read: [stateDir], write: [stateDir] }),
  // The library is loaded by whoever asks.
  probe: async (config, signal) => (await import("./probe.ts")).probeBot(config, signal),
  account: ({ token, api_root }) => `${token.reveal()} ${api_root}`,
};

function toHostAndPort(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}
