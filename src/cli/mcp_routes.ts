import { buildCommand } from "@stricli/core";
import { buildGroup, data, json, toAction, toDescription } from "./route_parts.ts";

const mcpServer = { brief: "Server, as mcp.yaml names it", placeholder: "SERVER", parse: String } as const;

/** `agent mcp`. */
export const mcpRoutes = buildGroup("MCP servers and their tools", {
  list: buildCommand({
    loader: async () => toAction((await import("./mcp.ts")).listServers),
    parameters: { flags: { data, json } },
    docs: {
      brief: "List the MCP servers and how they stand",
      fullDescription: toDescription("A server that is away is tried again by itself.", ["agent mcp list"], [
        "6 not running",
      ]),
    },
  }),
  tools: buildCommand({
    loader: async () => toAction((await import("./mcp.ts")).listTools),
    parameters: {
      flags: { data, json },
      positional: { kind: "tuple", parameters: [{ ...mcpServer, optional: true }] },
    },
    docs: {
      brief: "List tools of MCP servers, held ones with the reason",
      fullDescription: toDescription("Names are those that allowed_tools takes.", [
        "agent mcp tools",
        "agent mcp tools files",
      ], ["4 no such server", "6 not running"]),
    },
  }),
  accept: buildCommand({
    loader: async () => toAction((await import("./mcp.ts")).acceptTools),
    parameters: {
      flags: { data, json },
      positional: {
        kind: "array",
        parameter: { brief: "Server, then its tools; none: all held", placeholder: "SERVER [TOOL]", parse: String },
        minimum: 1,
      },
    },
    docs: {
      brief: "Take held tools of a server as they are now",
      fullDescription: toDescription(
        "A tool whose description has changed is held until then: it could tell the model to do something else.",
        ["agent mcp tools files", "agent mcp accept files", "agent mcp accept files read_file write_file"],
        ["4 no such server, or the tool is not held", "6 not running"],
      ),
    },
  }),
  login: buildCommand({
    loader: async () => toAction((await import("./mcp.ts")).logIn),
    parameters: { flags: { data, json }, positional: { kind: "tuple", parameters: [mcpServer] } },
    docs: {
      brief: "Log in at a server that wants OAuth",
      fullDescription: toDescription(
        "Names a page to open in a browser on this machine. The browser comes back to the running process.",
        ["agent mcp login wiki"],
        ["4 no such server", "5 the server asks for no login", "6 not running"],
      ),
    },
  }),
  questions: buildCommand({
    loader: async () => toAction((await import("./mcp.ts")).listQuestions),
    parameters: { flags: { data, json } },
    docs: {
      brief: "List what servers ask you",
      fullDescription: toDescription("Only servers with elicitation in mcp.yaml may ask.", ["agent mcp questions"]),
    },
  }),
  answer: buildCommand({
    loader: async () => toAction((await import("./mcp.ts")).answerQuestion),
    parameters: {
      flags: { data, json },
      positional: {
        kind: "tuple",
        parameters: [
          { brief: "Question, as agent mcp questions shows it", placeholder: "ID", parse: String },
          { brief: "accept, decline or cancel", placeholder: "ACTION", parse: String },
          { brief: "The answer, with accept", placeholder: "JSON", parse: String, optional: true },
        ],
      },
    },
    docs: {
      brief: "Answer a question of a server",
      fullDescription: toDescription("The server gets what you write, and nothing else.", [
        `agent mcp answer 1f2e3d4c accept '{"name":"Eva"}'`,
        "agent mcp answer 1f2e3d4c decline",
      ], ["2 not an answer", "4 no such question", "6 not running"]),
    },
  }),
}, "list");

/** `agent mcp-server`. */
export const mcpServerCommand = buildCommand({
  loader: async () => toAction((await import("./mcp_server.ts")).serveStdio),
  parameters: {
    flags: {
      agent: {
        kind: "parsed",
        parse: String,
        brief: "Whose tools and memory [the first agent]",
        placeholder: "AGENT",
        optional: true,
      },
      data,
    },
  },
  docs: {
    brief: "Serve agents to a desktop client over MCP",
    fullDescription: toDescription(
      "An MCP server on standard input and output, for clients that start programs. It passes on to the running process.",
      ["agent mcp-server", "agent mcp-server --agent ana --data /var/lib/nexo"],
    ),
  },
});
