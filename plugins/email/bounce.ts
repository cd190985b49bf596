import { parseMessageIds } from "./message_id.ts";
import type { Mail } from "./mail.ts";

/** A report about mail that could not be delivered. */
export interface Bounce {
  /** Ids that the report names: that of the mail it is about is among them. */
  readonly ids: readonly string[];
  /** `failed`, or `delayed` and the like, which are no end. */
  readonly action: string;
  /** The receiving server's words, one line. */
  readonly reason: string;
}

/** Ids looked at in one report. */
const maxIds = 50;

/** Reads a mail as a delivery report (RFC 3464), or gives `undefined` where it is none. */
export function toBounce(mail: Mail, source: Uint8Array): Bounce | undefined {
  const type = mail.header("content-type")[0]?.toLowerCase() ?? "";
  const isReport = type.startsWith("multipart/report") && type.includes("delivery-status");
  const isDaemon = /^(mailer-daemon|mail-daemon|postmaster)@/.test(mail.from?.address ?? "");
  if (!isReport && !isDaemon) return undefined;
  const raw = new TextDecoder("latin1").decode(source);
  const named = [...raw.matchAll(/^message-id:\s*(<[^<>\s]{1,400}>)/gim)].flatMap(([, id = ""]) => parseMessageIds(id));
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*([^\\r\\n]{1,500})`, "im").exec(raw)?.[1]?.trim() ?? "";
  const reason = [field("status"), field("diagnostic-code").replace(/^[a-z0-9-]+;\s*/i, "")].filter(Boolean).join(" ");
  return {
    ids: [...new Set([...mail.parents, ...named])].slice(0, maxIds),
    action: field("action").toLowerCase() || "failed",
    reason: reason || "no reason given",
  };
}
