import type { Channel, PluginHost } from "../../src/core/plugin.ts";
import { openMediaFolder } from "../../src/sdk/media_folder.ts";
import { toDomain } from "./address.ts";
import { fetchAttachment } from "./attachments.ts";
import { type EmailConfig, keepsCopies, toImapServer, toSmtpServer } from "./config.ts";
import { newCredentials } from "./credentials.ts";
import { newMailIntake } from "./intake.ts";
import { openJournal } from "./journal.ts";
import { runMailbox } from "./mailbox.ts";
import { sendOutbound, toSentId } from "./outbound.ts";
import { openSentFolder } from "./sent_folder.ts";
import { runEmailTool } from "./tool_calls.ts";

/** A slow server must not make the start a failed one: it is tried on in the background. */
const firstTryMs = 10_000;

/** Connects one account. Does not fail where the server cannot be reached; it is tried for ever. */
export async function openMailAccount(host: PluginHost<EmailConfig>): Promise<Channel & AsyncDisposable> {
  const { config, log } = host;
  const credentials = await newCredentials(host);
  const ca = config.tls_ca_file === undefined ? undefined : await Deno.readTextFile(config.tls_ca_file);
  const imap = { server: toImapServer(config), credentials, ca };
  const smtp = { server: toSmtpServer(config), credentials, ca, helo: toDomain(config.address) };
  await using cleanup = new AsyncDisposableStack();
  const journal = cleanup.use(openJournal(`${host.stateDir}/journal.db`));
  const media = await openMediaFolder(`${host.stateDir}/media`);
  const copies = config.sent_folder !== "none" && !keepsCopies(config);
  const name = config.sent_folder === "none" ? "auto" : config.sent_folder;
  const sent = cleanup.use(openSentFolder({ access: imap, journal, log, name }));
  const tried = Promise.withResolvers<void>();
  const following = runMailbox({
    host,
    access: imap,
    journal,
    intake: newMailIntake(host, journal),
    onConnected: sent.copy,
    onTried: tried.resolve,
  });
  cleanup.defer(() => following);
  const timer = setTimeout(tried.resolve, firstTryMs);
  await tried.promise;
  clearTimeout(timer);
  const outbound = { config, access: smtp, journal, log, copies, outgoing: `${host.stateDir}/outgoing` };
  const owned = cleanup.move();
  return {
    async send(message, sending) {
      const receipt = await sendOutbound(outbound, message, sending);
      sent.copy();
      return receipt;
    },
    async find(key, finding) {
      const known = journal.findSent(key);
      if (known !== undefined) return { providerMessageIds: [known] };
      const id = toSentId(config.address, key);
      return await sent.has(id, finding) ? { providerMessageIds: [id] } : undefined;
    },
    tool: (call, calling) => runEmailTool({ config, access: imap, journal }, call, calling),
    fetch: (ref, { maxBytes }, fetching) =>
      fetchAttachment(
        { access: imap, mailbox: config.folder, media },
        ref,
        Math.min(maxBytes, config.max_attachment_bytes),
        fetching,
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
