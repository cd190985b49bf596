import { matchesAddress } from "./address.ts";
import type { EmailConfig } from "./config.ts";
import type { Mail } from "./mail.ts";

/**
 * Why nobody shall answer a mail, or `undefined` where somebody may. Answering what a program sent makes loops:
 * RFC 3834, section 2.
 */
export function findNoise(mail: Mail, { address, from }: Pick<EmailConfig, "address" | "from">): string | undefined {
  if (mail.from === undefined) return "no_single_author";
  if (mail.from.address === address) return "own_mail";
  const auto = mail.header("auto-submitted")[0]?.trim().toLowerCase();
  if (auto !== undefined && !/^no\b/.test(auto)) return "auto_submitted";
  if (["x-autoreply", "x-autorespond", "x-auto-reply"].some((name) => mail.header(name).length > 0)) {
    return "auto_submitted";
  }
  if (["list-id", "list-unsubscribe", "list-post"].some((name) => mail.header(name).length > 0)) return "list_mail";
  if (/^\s*(bulk|junk|list|auto_reply)\b/i.test(mail.header("precedence")[0] ?? "")) return "bulk";
  // An empty return path says that no answer is wanted: RFC 5321, section 4.5.5.
  if (mail.header("return-path")[0]?.trim() === "<>") return "no_return_path";
  if (/^(mailer-daemon|mail-daemon|postmaster)@/.test(mail.from.address)) return "mail_system";
  if (matchesAddress(from.deny, mail.from.address)) return "denied_by_filter";
  if (from.allow.length > 0 && !matchesAddress(from.allow, mail.from.address)) return "not_allowed_by_filter";
  return undefined;
}
