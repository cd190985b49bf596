import type { PairingView } from "../http/people_api.ts";
import type { Ink } from "./ink.ts";
import { toPlainLine } from "./plain.ts";
import { sayAgo } from "./say.ts";
import { formatTable } from "./table.ts";

const maxNameLength = 60;

/** Those who asked to be let in, one a line. */
export function formatPairings(items: readonly PairingView[], nowMs: number, ink: Ink): string {
  if (items.length === 0) return "Nobody has asked to be let in.\n";
  const table = formatTable(
    [
      { title: "ID", align: "right" },
      { title: "STATE" },
      { title: "CODE" },
      { title: "CHANNEL" },
      { title: "AGENT" },
      { title: "SENDER" },
      { title: "NAME" },
      { title: "ASKED", align: "right" },
      { title: "DECIDED" },
    ],
    items.map(({ id, state, code, plugin, instance, agent, sender, name, askedAt, decidedAt, decidedBy }) => [
      String(id),
      state,
      code ?? "",
      `${plugin}.${instance}`,
      agent,
      sender,
      name,
      sayAgo(askedAt, nowMs),
      decidedAt === null ? "" : `${sayAgo(decidedAt, nowMs)}, ${decidedBy}`,
    ]),
    ink,
  );
  return `${table}\n\nLet somebody in: agent pair approve CODE. Or: agent pair deny CODE, agent pair revoke ID\n`;
}

/** Somebody in one line: `telegram.sales 4711 (Eva)`. */
export function sayPerson({ plugin, instance, sender, name }: PairingView): string {
  const known = name === "" ? "" : ` (${toPlainLine(name, maxNameLength)})`;
  return `${plugin}.${instance} ${toPlainLine(sender, maxNameLength)}${known}`;
}
