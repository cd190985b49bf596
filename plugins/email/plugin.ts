import type { Plugin } from "../../src/core/plugin.ts";
import { emailConfigSchema, toImapServer, toSmtpServer } from "./config.ts";
import { emailTools } from "./tools.ts";

/** Mail accounts, one an instance. */
export const email: Plugin<typeof emailConfigSchema> = {
  id: "email",
  config: emailConfigSchema,
  worker: new URL("./worker.ts", import.meta.url),
  tools: emailTools,
  credentials: ["refresh_token.json"],
  // A resend has the same Message-ID, but most mailboxes show both.
  traits: { idempotentSend: false, typing: false },
  forget: async (stateDir, sender) => (await import("./forget.ts")).forgetSender(stateDir, sender),
  permissions(config, stateDir) {
    const servers = [toImapServer(config), toSmtpServer(config)].map(({ host, port }) => `${host}:${port}`);
    const token = config.oauth2 === undefined ? [] : [toHostAndPort(config.oauth2.token_url)];
    const ca = config.tls_ca_file === undefined ? [] : [config.tls_ca_file];
    return {
      net: [...new Set([...servers, ...token])],
      read: [stateDir, ...ca],
      write: [stateDir],
      // ImapFlow brings a logger, which asks for it when it is loaded.
      env: ["NODE_V8_COVERAGE"],
    };
  },
  // The library is loaded by whoever asks.
  probe: async (config, signal) => (await import("./probe.ts")).probeMailbox(config, signal),
  account(config) {
    const { user, host, port } = toImapServer(config);
    return `${user} ${host}:${port} ${config.folder}`;
  },
};

function toHostAndPort(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}
