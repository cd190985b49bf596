import { AppError } from "../core/error.ts";
import {
  mcpAcceptedSchema,
  mcpAnsweredSchema,
  mcpAnswerSchema,
  mcpLoginSchema,
  mcpQuestionsSchema,
  mcpServersSchema,
  type McpServerView,
} from "../http/mcp_api.ts";
import { requireRunning } from "./admin_client.ts";
import { type Ink, newInk } from "./ink.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlain, toPlainLine } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every `agent mcp` command. */
export interface McpFlags extends DataDirFlag {
  readonly json: boolean;
}

/** `agent mcp list`: the servers. */
export async function listServers(terminal: Terminal, flags: McpFlags): Promise<number> {
  const { servers } = await readServers(terminal, flags);
  if (flags.json) terminal.print(toJsonText({ servers }));
  else terminal.print(formatServers(servers, newInk(terminal.color)));
  return 0;
}

/** `agent mcp tools [SERVER]`: their tools. */
export async function listTools(terminal: Terminal, flags: McpFlags, server?: string): Promise<number> {
  const { servers } = await readServers(terminal, flags);
  const shown = server === undefined ? servers : servers.filter((one) => one.server === server);
  if (server !== undefined && shown.length === 0) {
    throw new AppError("missing", `There is no MCP server ${toPlainLine(server, 100)}. See: agent mcp list`);
  }
  if (flags.json) terminal.print(toJsonText({ servers: shown }));
  else terminal.print(formatTools(shown, newInk(terminal.color)));
  return 0;
}

/** `agent mcp accept SERVER [TOOL...]`: takes held tools as they are now. */
export async function acceptTools(
  terminal: Terminal,
  flags: McpFlags,
  server: string,
  ...tools: readonly string[]
): Promise<number> {
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  const { accepted } = await admin.post(
    `/api/mcp/servers/${encodeURIComponent(server)}/accept`,
    tools.length === 0 ? {} : { tools },
    mcpAcceptedSchema,
  );
  if (flags.json) terminal.print(toJsonText({ accepted }));
  else {
    const names = accepted.map((name) => toPlainLine(name, 200)).join(", ");
    terminal.print(
      accepted.length === 0 ? "No tool was held.\n" : `Accepted ${sayCount(accepted.length, "tool")}: ${names}\n`,
    );
  }
  return 0;
}

/** `agent mcp login SERVER`: names the page with which a person logs in. */
export async function logIn(terminal: Terminal, flags: McpFlags, server: string): Promise<number> {
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  const { url } = await admin.post(`/api/mcp/servers/${encodeURIComponent(server)}/login`, {}, mcpLoginSchema);
  if (flags.json) terminal.print(toJsonText({ url }));
  else terminal.print(`Open this page in a browser on this machine, and log in:\n\n${toPlainLine(url, 5_000)}\n`);
  return 0;
}

/** `agent mcp questions`: what servers ask the operator. */
export async function listQuestions(terminal: Terminal, flags: McpFlags): Promise<number> {
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  const { questions } = await admin.get("/api/mcp/questions", {}, mcpQuestionsSchema);
  if (flags.json) terminal.print(toJsonText({ questions }));
  else if (questions.length === 0) terminal.print("No server asks anything.\n");
  for (const { id, server, message, schema } of flags.json ? [] : questions) {
    terminal.print(`${id}  ${toPlainLine(server, 40)} asks: ${toPlain(message)}\n`);
    terminal.print(`  as JSON of: ${toPlainLine(JSON.stringify(schema), 2_000)}\n`);
    terminal.print(`  agent mcp answer ${id} accept '{}'    or: agent mcp answer ${id} decline\n`);
  }
  return 0;
}

/** `agent mcp answer ID ACTION [JSON]`: answers a question of a server. */
export async function answerQuestion(
  terminal: Terminal,
  flags: McpFlags,
  id: string,
  action: string,
  content?: string,
): Promise<number> {
  const answer = mcpAnswerSchema.safeParse(
    action === "accept" ? { action, content: parseContent(content ?? "{}") } : { action },
  );
  if (!answer.success) {
    throw new AppError("invalid", "Write: agent mcp answer ID accept JSON, or: agent mcp answer ID decline");
  }
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  await admin.post(`/api/mcp/questions/${encodeURIComponent(id)}`, answer.data, mcpAnsweredSchema);
  terminal.print(flags.json ? toJsonText({ ok: true }) : "Answered.\n");
  return 0;
}

function parseContent(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("invalid", `The answer is no JSON: ${toPlainLine(text, 100)}`);
  }
}

async function readServers(terminal: Terminal, flags: McpFlags) {
  const { admin } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  return await admin.get("/api/mcp/servers", {}, mcpServersSchema);
}

function formatServers(servers: readonly McpServerView[], ink: Ink): string {
  if (servers.length === 0) return "No MCP servers. Name them in mcp.yaml.\n";
  const rows = servers.map(({ server, state, confinement, title, tools, reason = "" }) => [
    server,
    state,
    confinement === "none" ? "" : confinement,
    title,
    String(tools.filter((tool) => tool.state === "live").length),
    String(tools.filter((tool) => tool.state === "held").length),
    reason,
  ]);
  return `${
    formatTable(
      [
        { title: "SERVER" },
        { title: "STATE", paint: (cell) => cell === "up" ? ink.good(cell) : ink.warn(cell) },
        { title: "HELD BY", paint: (cell) => cell === "unconfined" ? ink.bad(cell) : cell },
        { title: "IS", max: 40 },
        { title: "TOOLS", align: "right" },
        { title: "WAIT", align: "right" },
        { title: "WHY", max: 200 },
      ],
      rows,
      ink,
    )
  }\n`;
}

function formatTools(servers: readonly McpServerView[], ink: Ink): string {
  const rows = servers.flatMap(({ tools }) =>
    tools.map(({ name, state, reason, description }) => [name, state, reason ?? description])
  );
  if (rows.length === 0) return "No tools.\n";
  const table = formatTable(
    [{ title: "TOOL", max: 64 }, { title: "STATE" }, { title: "WHAT", max: 100 }],
    rows,
    ink,
  );
  const held = servers.filter(({ tools }) => tools.some(({ state }) => state === "held")).map(({ server }) => server);
  return `${table}\n${held.map((server) => `\nTake the held ones as they are: agent mcp accept ${server}\n`).join("")}`;
}
