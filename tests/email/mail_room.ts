import { type Dovecot, openDovecot } from "../fixtures/dovecot.ts";
import { type FakeSmtp, type FakeSmtpOptions, openFakeSmtp } from "../fixtures/fake_smtp.ts";

/** The account's address in tests. */
export const ownAddress = "ana@agents.test";

/** The servers of one mail account. */
export interface MailServers extends AsyncDisposable {
  readonly imap: Dovecot;
  readonly smtp: FakeSmtp;
  /** Config of an account on them, as its file has it. */
  config(rest?: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

/** Opens a Dovecot and an SMTP server. `introspectionUrl`: where Dovecot asks about access tokens. */
export async function openMailServers(options?: FakeSmtpOptions, introspectionUrl?: string): Promise<MailServers> {
  await using cleanup = new AsyncDisposableStack();
  const imap = cleanup.use(await openDovecot(introspectionUrl));
  const smtp = cleanup.use(await openFakeSmtp(imap.certificate, options));
  const owned = cleanup.move();
  return {
    imap,
    smtp,
    config: (rest = {}) => ({
      address: ownAddress,
      imap: { host: "localhost", port: imap.port, user: imap.user },
      smtp: { host: "localhost", port: smtp.port, user: imap.user, secure: options?.secure ?? false },
      password: imap.password,
      tls_ca_file: imap.certificate.certFile,
      poll_seconds: 30,
      ...rest,
    }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What {@linkcode newMail} takes. Each absent header is left out, but From, To and Date. */
export interface MailOptions {
  readonly from?: string;
  readonly id?: string;
  readonly subject?: string;
  readonly references?: readonly string[];
  readonly headers?: readonly string[];
  readonly text?: string;
  readonly date?: Date;
  readonly file?: Uint8Array;
}

/** Writes a mail. */
export function newMail(options: MailOptions): string {
  const { from = "bob@people.test", id, subject, references = [], headers = [], text = "hello", date, file } = options;
  const ids = references.map((reference) => `<${reference}>`);
  const head = [
    `From: ${from}`,
    `To: ${ownAddress}`,
    `Date: ${(date ?? new Date()).toUTCString()}`,
    ...(id === undefined ? [] : [`Message-ID: <${id}>`]),
    ...(subject === undefined ? [] : [`Subject: ${subject}`]),
    ...(ids.length === 0 ? [] : [`References: ${ids.join(" ")}`, `In-Reply-To: ${ids.at(-1)}`]),
    ...headers,
    "MIME-Version: 1.0",
  ];
  if (file === undefined) return [...head, "Content-Type: text/plain; charset=utf-8", "", text, ""].join("\r\n");
  return [
    ...head,
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain; charset=utf-8",
    "",
    text,
    "--b",
    'Content-Type: application/pdf; name="file.pdf"',
    'Content-Disposition: attachment; filename="file.pdf"',
    "Content-Transfer-Encoding: base64",
    "",
    file.toBase64().replace(/.{76}/g, "$&\r\n"),
    "--b--",
    "",
  ].join("\r\n");
}
