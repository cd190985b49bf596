import { z } from "zod";
import { newSecret } from "../../src/core/secret.ts";
import { isAddress } from "./address.ts";
import { type PresetName, presetNames, presets } from "./presets.ts";

const secretText = z.string().min(1, "is empty").transform(newSecret).meta({ secret: true });
const hostName = z.string().regex(/^[A-Za-z0-9.-]{1,253}$/, "must be a host name without a port");
const port = z.number().int().min(1).max(65_535);
const pattern = z.string().min(1).max(320).toLowerCase();
const user = z.string().min(1).max(320).optional().describe("Name to log in with. Absent: the address.");

/** One mail account, as `plugins/email.yaml` describes it. Takes what it gave out, written as JSON. */
export const emailConfigSchema = z.strictObject({
  address: z.string().toLowerCase().refine(isAddress, "must be a mail address").describe(
    "Address of the account: mail to it is read, answers come from it.",
  ),
  name: z.string().regex(/^\P{Cc}{1,100}$/u, "must be one line").optional().describe("Name beside the address."),
  preset: z.enum(presetNames).optional().describe("Servers of a known provider."),
  imap: z.strictObject({
    host: hostName.describe("Host of the IMAP server."),
    port: port.default(993).describe("Its port."),
    secure: z.boolean().default(true).describe("true: TLS from the start. false: STARTTLS, never without."),
    user,
  }).optional().describe("Server that mail is read from. Absent: the preset's."),
  smtp: z.strictObject({
    host: hostName.describe("Host of the SMTP server."),
    port: port.default(587).describe("Its port."),
    secure: z.boolean().default(false).describe("true: TLS from the start. false: STARTTLS, never without."),
    user,
  }).optional().describe("Server that mail is sent through. Absent: the preset's."),
  password: secretText.optional().describe("Password, or app password. Best as ${file:./secrets/NAME}."),
  oauth2: z.strictObject({
    client_id: z.string().min(1).describe("Id of your application with the provider."),
    client_secret: secretText.optional().describe("Its secret, where the provider asks for one."),
    refresh_token: secretText.describe("What new access tokens are got with."),
    token_url: z.url({ protocol: /^https$|^http$/ }).describe("Address that gives out access tokens."),
  }).optional().describe("In the place of a password."),
  tls_ca_file: z.string().optional().describe("PEM file of an own certificate authority. Absolute path."),
  folder: z.string().min(1).max(200).default("INBOX").describe("Folder that is read."),
  sent_folder: z.string().min(1).max(200).default("auto").describe(
    "Folder for copies of answers. `auto`: the server's own one. `none`: no copies; set it where SMTP makes them.",
  ),
  poll_seconds: z.number().int().min(5).max(3_600).default(60).describe(
    "How often the folder is looked at beside the server's own notices.",
  ),
  backfill: z.number().int().min(0).max(10_000).default(0).describe(
    "How many of the newest mails that are there at the first start are answered.",
  ),
  max_mail_bytes: z.number().int().positive().default(60_000_000).describe("Larger mails are left, with a flag."),
  max_attachment_bytes: z.number().int().positive().default(25_000_000).describe("Larger attachments are not fetched."),
  from: z.strictObject({
    allow: z.array(pattern).default([]).describe("Senders that are read, such as *@example.org. Empty: all."),
    deny: z.array(pattern).default([]).describe("Senders that are not read, also where `allow` names them."),
  }).prefault({}).describe("Which senders are read at all. Who may talk is decided by the binding."),
  authserv_id: z.string().toLowerCase().optional().describe(
    "Name under which the receiving server signs its checks of senders (first word of Authentication-Results).",
  ),
  mark_seen: z.boolean().default(true).describe("Mark mail that an agent got as read."),
  replies_per_hour: z.number().int().min(1).max(1_000).default(5).describe("Most answers in one thread in an hour."),
  retry_seconds: z.number().int().min(1).max(3_600).default(60).describe(
    "Wait after a send that failed for now; it doubles up to four hours.",
  ),
}).superRefine(({ preset, imap, smtp, password, oauth2 }, context) => {
  const fail = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  if (preset === undefined && imap === undefined) fail("imap", "is missing: name the server, or a preset");
  if (preset === undefined && smtp === undefined) fail("smtp", "is missing: name the server, or a preset");
  if ((password === undefined) === (oauth2 === undefined)) fail("password", "or oauth2: give one of the two");
});

/** One mail account, as parsed. */
export type EmailConfig = z.output<typeof emailConfigSchema>;

/** A mail server with everything decided. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly user: string;
}

/** The account's IMAP server. */
export function toImapServer({ imap, preset, address }: EmailConfig): MailServer {
  return toServer(imap, preset, "imap", address);
}

/** The account's SMTP server. */
export function toSmtpServer({ smtp, preset, address }: EmailConfig): MailServer {
  return toServer(smtp, preset, "smtp", address);
}

/** Whether the provider itself puts what is sent through SMTP into the Sent folder. */
export function keepsCopies({ preset }: EmailConfig): boolean {
  return preset !== undefined && presets[preset].keepsCopies;
}

/** Name of the server whose word about senders counts, where it is known. */
export function toAuthservId({ authserv_id, preset }: EmailConfig): string | undefined {
  return authserv_id ?? (preset && presets[preset].authservId);
}

function toServer(
  own:
    | { readonly host: string; readonly port: number; readonly secure: boolean; readonly user?: string | undefined }
    | undefined,
  preset: PresetName | undefined,
  kind: "imap" | "smtp",
  address: string,
): MailServer {
  if (own !== undefined) return { ...own, user: own.user ?? address };
  // The schema takes no config without both.
  return { ...presets[preset ?? "gmail"][kind], user: address };
}
