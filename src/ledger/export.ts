import { AppError } from "../core/error.ts";
import type { Ledger, Row } from "../core/ledger.ts";
import { type TranscriptEntry, transcriptEntrySchema } from "../core/transcript.ts";

/** How a transcript is written: Markdown to read, or a line of JSON for each entry. */
export type ExportFormat = "md" | "jsonl";

/** Entries that are in memory at the same time. */
const pageSize = 200;

/**
 * A session's whole transcript, oldest entry first, in pieces that end with a line. JSON lines hold everything; Markdown
 * holds what a person reads.
 *
 * @throws {AppError} `missing` where there is no such session.
 */
export async function* exportSession(
  ledger: Pick<Ledger, "query">,
  sessionId: string,
  format: ExportFormat,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let afterId = 0;
  while (true) {
    const rows = await ledger.query({
      sql: `SELECT id, epoch, turn_id, body, at FROM messages WHERE session_id = ? AND id > ? ORDER BY id LIMIT ?`,
      values: [sessionId, afterId, pageSize],
    }, signal);
    if (rows.length === 0 && afterId === 0) {
      throw new AppError("missing", `There is no session ${sessionId}. See: agent sessions list`);
    }
    if (afterId === 0 && format === "md") yield `# ${toLine(sessionId)}\n\n`;
    if (rows.length > 0) yield rows.map(format === "md" ? toMarkdown : toJsonLine).join("");
    if (rows.length < pageSize) return;
    afterId = Number(rows.at(-1)?.id);
  }
}

function toJsonLine(row: Row): string {
  const { id, epoch } = row;
  const entry = { id, at: toIso(row), epoch, turnId: row.turn_id, ...JSON.parse(String(row.body)) };
  return `${JSON.stringify(entry)}\n`;
}

function toMarkdown(row: Row): string {
  const entry = transcriptEntrySchema.parse(JSON.parse(String(row.body)));
  const at = toIso(row).replace("T", " ").replace(/\.\d+Z$/, " UTC");
  return `## ${at} · ${toLine(toTitle(entry))}\n\n${toBlocks(entry).join("\n\n")}\n\n`;
}

function toTitle(entry: TranscriptEntry): string {
  switch (entry.role) {
    case "user":
      return entry.sender === undefined ? "user" : `user ${entry.sender}`;
    case "assistant":
      return "assistant";
    case "tool":
      return `tool ${entry.results.map(({ name }) => name).join(", ")}`;
    case "note":
      return entry.summary ? "summary of the entries before" : "note";
  }
}

function toBlocks(entry: TranscriptEntry): readonly string[] {
  switch (entry.role) {
    case "user":
      return [
        toQuote(entry.text),
        ...(entry.attachments ?? []).map(({ kind, name }) => toQuote(`[${kind} ${name ?? ""}]`)),
      ];
    case "assistant":
      return [
        ...(entry.text === "" ? [] : [toQuote(entry.text)]),
        ...entry.toolCalls.map(({ name, input }) => `Calls ${toLine(name)}:\n\n${toQuote(JSON.stringify(input))}`),
      ];
    case "tool":
      return entry.results.flatMap(({ content }) =>
        content.map((part) =>
          toQuote(part.type === "text" ? part.text : part.type === "json" ? JSON.stringify(part.value) : "[image]")
        )
      );
    case "note":
      return [toQuote(entry.text)];
  }
}

/** What somebody wrote stands in a quotation: a heading in it must not pass for one of ours. */
function toQuote(text: string): string {
  return toPrintable(text).split("\n").map((line) => `> ${line}`.trimEnd()).join("\n");
}

function toLine(text: string): string {
  return toPrintable(text).replaceAll("\n", " ");
}

function toPrintable(text: string): string {
  // deno-lint-ignore no-control-regex -- a terminal would obey them
  return text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

function toIso(row: Row): string {
  return new Date(Number(row.at)).toISOString();
}
