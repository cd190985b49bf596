import type { Plugin } from "../../src/core/plugin.ts";
import { authFile, whatsappConfigSchema } from "./config.ts";
import { whatsappTools } from "./tools.ts";

/** WhatsApp accounts, one an instance, each as a linked device of a phone. */
export const whatsapp: Plugin<typeof whatsappConfigSchema> = {
  id: "whatsapp",
  config: whatsappConfigSchema,
  worker: new URL("./worker.ts", import.meta.url),
  tools: whatsappTools,
  credentials: ["auth.db"],
  // The id of a message is ours: see message_id.ts.
  traits: { idempotentSend: true, typing: true },
  forget: async (stateDir, sender) => (await import("./forget.ts")).forgetSender(stateDir, sender),
  permissions: ({ url, media_url }, stateDir) => ({
    net: [toHostAndPort(url), toHostAndPort(media_url)],
    read: [stateDir],
    write: [stateDir],
    // Switches that the libraries look at while they are loaded.
    env: ["WHATSAPP_RUST_BRIDGE_FORCE_NOSIMD", "NODE_V8_COVERAGE", "WS_NO_BUFFER_UTIL"],
  }),
  async unlink(stateDir) {
    for (const end of ["", "-wal", "-shm"]) await removeFile(`${stateDir}/${authFile}${end}`);
  },
};

async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

function toHostAndPort(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || (/^(https|wss):$/.test(protocol) ? "443" : "80")}`;
}
