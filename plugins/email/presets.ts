/** Names of the providers whose servers are known. */
export const presetNames = ["gmail", "outlook", "yahoo", "icloud"] as const;

/** Name of a provider. */
export type PresetName = typeof presetNames[number];

interface Server {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** What is known of a provider. */
export interface Preset {
  readonly imap: Server;
  readonly smtp: Server;
  /** Whether it puts what is sent through SMTP into the Sent folder by itself. */
  readonly keepsCopies: boolean;
  /** First word of its `Authentication-Results`, where that is one fixed name. */
  readonly authservId: string | undefined;
  /** Address that gives out access tokens, where it gives out any. */
  readonly tokenUrl: string | undefined;
}

/** The servers, as the providers' help pages name them. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  gmail: {
    imap: { host: "imap.gmail.com", port: 993, secure: true },
    smtp: { host: "smtp.gmail.com", port: 465, secure: true },
    keepsCopies: true,
    authservId: "mx.google.com",
    tokenUrl: "https://oauth2.googleapis.com/token",
  },
  outlook: {
    imap: { host: "outlook.office365.com", port: 993, secure: true },
    smtp: { host: "smtp.office365.com", port: 587, secure: false },
    keepsCopies: true,
    authservId: undefined,
    tokenUrl: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
  },
  yahoo: {
    imap: { host: "imap.mail.yahoo.com", port: 993, secure: true },
    smtp: { host: "smtp.mail.yahoo.com", port: 465, secure: true },
    keepsCopies: true,
    authservId: undefined,
    tokenUrl: undefined,
  },
  icloud: {
    imap: { host: "imap.mail.me.com", port: 993, secure: true },
    smtp: { host: "smtp.mail.me.com", port: 587, secure: false },
    keepsCopies: false,
    authservId: undefined,
    tokenUrl: undefined,
  },
};
