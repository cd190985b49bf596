import { Server } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";

// The smallest MCP server: one tool that answers at once.
const server = new Server({ name: "echo", version: "1.0.0" }, { capabilities: { tools: {} } });
server.setRequestHandler("tools/list", () => ({ tools: [{ name: "echo", inputSchema: { type: "object" } }] }));
server.setRequestHandler("tools/call", ({ params }) => ({
  content: [{ type: "text", text: String(params.arguments?.["text"]) }],
}));
await server.connect(new StdioServerTransport());
