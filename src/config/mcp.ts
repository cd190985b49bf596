import { z } from "zod";
import { deadline, idText, rate, secretText } from "./scalars.ts";

const serverName = idText.max(32, "must have at most 32 characters");

const samplingSchema = z.strictObject({
  agent: idText.describe("Agent whose model answers and whose budget pays."),
  max_tokens: z.number().int().positive().default(1_000).describe("Longest answer, whatever the server asks for."),
  daily_tokens: z.number().int().positive().default(100_000).describe(
    "Tokens, in and out, that the server may use a UTC day, counted since the process began.",
  ),
  rate: rate.prefault({ rps: 0.1, burst: 3 }).describe("How often the server may ask."),
});

const elicitationSchema = z.strictObject({
  timeout: deadline.default(300_000).describe("A question that the operator has not answered after this is cancelled."),
  rate: rate.prefault({ rps: 0.1, burst: 3 }).describe("How often the server may ask."),
});

const common = {
  enabled: z.boolean().default(true).describe("Whether it is used."),
  tools: z.array(z.string().min(1)).default(["*"]).describe(
    "Its tools that agents can be allowed, by the server's own names or patterns with `*`.",
  ),
  dangerous_tools: z.array(z.string().min(1)).default([]).describe(
    "Its tools that must not be used in a turn that holds text of strangers. By the server's own names or patterns.",
  ),
  trust: z.enum(["first_use", "ask"]).default("first_use").describe(
    "Tools as they are first seen: used at once, or held until `agent mcp accept`. Later changes are always held.",
  ),
  connect_timeout: deadline.default(30_000).describe("Connecting and listing ends after this."),
  sampling: samplingSchema.optional().describe("Lets the server ask a model. Absent: it may not."),
  elicitation: elicitationSchema.optional().describe(
    "Lets the server ask the operator (`agent mcp questions`). Absent: it may not.",
  ),
  call_timeout: deadline.optional().describe("A call ends after this. Absent: the agent's `tool_deadline`."),
};

const absolutePath = z.string().regex(/^\//, "must begin with /");

const stdioSchema = z.strictObject({
  command: z.string().min(1).describe("Program that speaks MCP on its standard input and output."),
  args: z.array(z.string()).default([]).describe("Its arguments."),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is no name of a variable"), secretText).default({})
    .describe("Its whole environment, beside PATH, HOME (a folder of its own) and LANG. Nothing else is passed on."),
  read: z.array(absolutePath).default([]).describe(
    "Files and folders that it may read beside the system's: also those with its own code.",
  ),
  write: z.array(absolutePath).default([]).describe("Files and folders that it may also change."),
  network: z.boolean().default(false).describe("Whether it may use the network."),
  max_memory_bytes: z.number().int().min(16_000_000).default(1_000_000_000).describe("Memory that it may use."),
  ...common,
});

const header = z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, "is no name of a header");

const oauthSchema = z.strictObject({
  grant: z.enum(["authorization_code", "client_credentials"]).default("authorization_code").describe(
    "A person logs in (`agent mcp login`), or the client proves itself with its secret.",
  ),
  client_id: z.string().min(1).optional().describe("Id of a registered client. Absent: registers itself."),
  client_secret: secretText.optional().describe("Its secret."),
  client_metadata_url: z.url({ protocol: /^https$/, error: "must be an https:// address" }).optional().describe(
    "Address of a document that describes the client, for servers that want one.",
  ),
  issuer: z.url().optional().describe(
    "The authorization server that may get the secret. Absent: whichever the MCP server names.",
  ),
  scope: z.string().min(1).optional().describe("Scopes, separated by spaces. Absent: what the server asks for."),
});

const httpSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// address" }).describe(
    "Address of the server.",
  ),
  transport: z.enum(["auto", "http", "sse"]).default("auto").describe(
    "Streamable HTTP, the older SSE, or the first with the second as fallback.",
  ),
  headers: z.record(header, secretText).default({}).describe("Sent with each request, to the server alone."),
  oauth: oauthSchema.optional().describe("OAuth 2.1, for servers that want a login."),
  max_result_bytes: z.number().int().min(1_000).default(8_000_000).describe(
    "Longest message of the server. A longer one ends the connection.",
  ),
  ...common,
});

/** One MCP server. */
const mcpServerSchema = z.union([stdioSchema, httpSchema]);
/** One MCP server, as parsed. */
export type McpServerConfig = z.output<typeof mcpServerSchema>;
/** A server that is a child process. */
export type McpStdioConfig = z.output<typeof stdioSchema>;
/** A server that is reached over HTTP. */
export type McpHttpConfig = z.output<typeof httpSchema>;

/** What a name becomes inside of tool names. */
export function toMcpPrefix(server: string): string {
  return `mcp_${server.replaceAll("-", "_")}_`;
}

/** Where one prefix begins another, a pattern for the tools of one server would also name those of the other. */
const serversSchema = z.record(serverName, mcpServerSchema).superRefine((servers, context) => {
  const names = Object.keys(servers);
  for (const name of names) {
    const other = names.find((one) => one !== name && toMcpPrefix(name).startsWith(toMcpPrefix(one)));
    if (other === undefined) continue;
    context.addIssue({
      code: "custom",
      path: [name],
      message: `begins like the server "${other}", so that "${
        toMcpPrefix(other)
      }*" would name tools of both; rename one`,
    });
  }
});

const tokenSchema = z.strictObject({
  name: idText.describe("Who brings it: the name in journal, memory and log."),
  token: secretText.refine((secret) => secret.reveal().length >= 16, "must have at least 16 characters").describe(
    "Sent as `Authorization: Bearer TOKEN`.",
  ),
  agent: idText.describe("As which agent tools are called."),
  agents: z.array(z.string().min(1)).optional().describe(
    "Agents that may be talked to, by name or pattern with `*`. Absent: only `agent`.",
  ),
  scopes: z.array(z.enum(["chat", "memory", "sessions", "tools"])).min(1).default(["chat"]).describe(
    "What it may do: talk to agents; the agent's memory; search what was said; the tools that `serve.tools` names.",
  ),
});

const serveSchema = z.strictObject({
  tools: z.array(z.string().min(1)).default([]).describe(
    "Tools of the agent that programs may call, by name or pattern with `*`. Tools of extensions and MCP servers only by patterns that begin with `ext_` or `mcp_`.",
  ),
  tokens: z.array(tokenSchema).default([]).describe("Who may come in beside the holder of the console's token."),
});

/** `mcp.yaml`. */
export const mcpFileSchema = z.strictObject({
  servers: serversSchema.default({}).describe("Servers by name; their tools are called `mcp_<name>_<tool>`."),
  serve: serveSchema.prefault({}).describe("Our own MCP server, at `/mcp` of the console's listener."),
});
/** `mcp.yaml`, as parsed. */
export type McpConfig = z.output<typeof mcpFileSchema>;
