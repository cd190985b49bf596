import type { TokenView } from "../http/tokens_api.ts";
import type { Ink } from "./ink.ts";
import { toPlainLine } from "./plain.ts";
import { sayAgo, sayTime } from "./say.ts";
import { formatTable } from "./table.ts";

/** Tokens, one a line. */
export function formatTokens(items: readonly TokenView[], nowMs: number, ink: Ink): string {
  if (items.length === 0) {
    return "There is only the root token. Make another one: agent token create NAME --role viewer --expires 30d\n";
  }
  const table = formatTable(
    [
      { title: "ID", align: "right" },
      { title: "NAME" },
      { title: "ROLE" },
      { title: "STATE" },
      { title: "EXPIRES" },
      { title: "LAST USED", align: "right" },
      { title: "CREATED" },
    ],
    items.map(({ id, name, role, state, createdAt, createdBy, expiresAt, lastUsedAt }) => [
      String(id),
      name,
      role,
      state,
      sayTime(expiresAt),
      lastUsedAt === null ? "never" : sayAgo(lastUsedAt, nowMs),
      `${sayAgo(createdAt, nowMs)}, ${createdBy}`,
    ]),
    ink,
  );
  return `${table}\n\nBeside these there is the root token. End one: agent token revoke ID\n`;
}

/** A token in a few words: `3, eva, viewer`. */
export function sayToken({ id, name, role }: TokenView): string {
  return `${id}, ${toPlainLine(name, 60)}, ${role}`;
}
