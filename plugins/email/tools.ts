import { z } from "zod";
import type { PluginTool } from "../../src/core/plugin_tool.ts";

const mailId = z.string().max(500).describe("Id of a mail, as email_search gives it.");
const oneLine = (max: number) => z.string().max(max).regex(/^[^\r\n\0]*$/, "must be one line");
const folder = oneLine(200).min(1);
const paths = z.array(z.string().min(1).max(1_000)).max(10).optional().describe(
  "Files of your own folder to attach, as paths in it.",
);
const text = z.string().min(1).max(200_000);

/** What each tool takes. */
export const toolInputs = {
  email_search: z.strictObject({
    folder: folder.optional().describe("Folder to look in. Absent: the inbox."),
    from: oneLine(320).optional().describe("Part of the sender's address or name."),
    to: oneLine(320).optional().describe("Part of a recipient's address or name."),
    subject: oneLine(200).optional().describe("Part of the subject."),
    text: oneLine(200).optional().describe("Words in the mail."),
    since: z.iso.date().optional().describe("Arrived on this day or later, such as 2026-01-31."),
    before: z.iso.date().optional().describe("Arrived before this day."),
    unread: z.boolean().optional().describe("true: only unread mail; false: only read mail."),
    limit: z.int().min(1).max(50).default(20).describe("How many of the newest."),
  }),
  email_read: z.strictObject({ id: mailId }),
  email_reply: z.strictObject({ id: mailId, text: text.describe("Markdown."), attachments: paths }),
  email_send: z.strictObject({
    to: oneLine(320).min(3).describe("One mail address."),
    subject: oneLine(300).min(1),
    text,
    attachments: paths,
  }),
  email_move: z.strictObject({ id: mailId, folder: folder.describe("Folder that it is moved into.") }),
  email_flag: z.strictObject({ id: mailId, flag: z.enum(["read", "unread", "flagged", "unflagged"]) }),
} as const;

/** Name of a tool. */
export type EmailToolName = keyof typeof toolInputs;

const toolWords: Readonly<Record<EmailToolName, Omit<PluginTool, "name" | "inputSchema">>> = {
  email_search: { description: "Finds mails in your own account, newest first.", effect: "none" },
  email_read: { description: "Reads one mail of your own account, with the names of its attachments.", effect: "none" },
  email_reply: {
    description: "Answers the sender of a mail in its thread. Only to other mails than the one you are answering now.",
    effect: "idempotent",
    files: "attachments",
  },
  email_send: {
    description: "Sends a new mail to somebody whom the operator has allowed.",
    effect: "idempotent",
    dangerous: true,
    files: "attachments",
  },
  email_move: { description: "Moves a mail of your own account into another folder.", effect: "idempotent" },
  email_flag: {
    description: "Marks a mail of your own account as read or unread, or sets or takes its flag.",
    effect: "idempotent",
  },
};

/** Whether there is a tool `name`. */
export function isEmailTool(name: string): name is EmailToolName {
  return Object.hasOwn(toolInputs, name);
}

/** What agents are offered. */
export const emailTools: readonly PluginTool[] = Object.keys(toolInputs).filter(isEmailTool).map((name) => ({
  name,
  ...toolWords[name],
  inputSchema: z.toJSONSchema(toolInputs[name], { io: "input" }),
}));
