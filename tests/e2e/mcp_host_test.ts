import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { inheritedEnv, type NexoProcess, openTempDir, startFlags, startNexo } from "../fixtures/nexo_process.ts";
import { newServerTool, openMcpServer } from "../mcp/mcp_server.ts";
import { newBlackBox } from "./black_box.ts";

const laptop = "laptop-token-0123456789";
const reader = "reader-token-0123456789";

async function openHost(agent: Readonly<Record<string, unknown>> = {}, mcp: Readonly<Record<string, unknown>> = {}) {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const nexo = stack.use(
    await startNexo({
      config: {
        ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["*"], ...agent } }),
        "mcp.yaml": {
          serve: {
            tools: ["calculate"],
            tokens: [
              { name: "laptop", token: laptop, agent: "ana", scopes: ["chat", "memory", "sessions", "tools"] },
              { name: "reader", token: reader, agent: "ana", scopes: ["sessions"] },
            ],
          },
          ...mcp,
        },
      },
    }),
  );
  const owned = stack.move();
  return { model, nexo, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function connect(nexo: NexoProcess, token: string) {
  const client = new Client({ name: "test", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(new URL(`${nexo.admin}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  await client.connect(transport);
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  });
}

function textOf(result: { readonly content: readonly { readonly type: string }[] }): string {
  return result.content.map((part) => "text" in part ? String(part.text) : part.type).join("\n");
}

Deno.test("a program talks to an agent over MCP, with the agent's memory, and hears of its steps", async () => {
  await using host = await openHost();
  await using client = await connect(host.nexo, laptop);
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), [
    "ask_agent",
    "calculate",
    "forget",
    "list_agents",
    "memory_list",
    "recall",
    "remember",
    "session_search",
  ]);
  const steps: string[] = [];
  const answer = await client.callTool({
    name: "ask_agent",
    arguments: { message: 'tool:calculate {"expression":"6*7"}', conversation: "sums" },
  }, { onprogress: ({ message }) => void steps.push(message ?? "") });
  assert.match(textOf(answer), /tool said: .*42/s);
  assert.deepEqual(steps, ["calculate"]);
  assert.match(textOf(await client.callTool({ name: "calculate", arguments: { expression: "2+3" } })), /5/);
  await client.callTool({ name: "remember", arguments: { text: "Eva is allergic to nuts", audience: "everyone" } });
  assert.match(textOf(await client.callTool({ name: "recall", arguments: { query: "allergic nuts" } })), /Eva/);
  assert.match(textOf(await client.callTool({ name: "session_search", arguments: { query: "calculate" } })), /6\*7/);
});

Deno.test("a token opens what its scopes name and nothing else, and is needed", async () => {
  await using host = await openHost();
  await using client = await connect(host.nexo, reader);
  assert.deepEqual((await client.listTools()).tools.map(({ name }) => name), ["session_search"]);
  await assert.rejects(client.callTool({ name: "ask_agent", arguments: { message: "hi" } }), /no tool ask_agent/);
  const url = `${host.nexo.admin}/mcp`;
  const post = (headers: Record<string, string>) =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "initialize",
        params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } },
      }),
    });
  const status = async (headers: Record<string, string>) => {
    const response = await post(headers);
    await response.body?.cancel();
    return [response.status, response.headers.get("www-authenticate")?.split(" ")[0]];
  };
  assert.deepEqual(await status({}), [401, "Bearer"]);
  assert.deepEqual(await status({ authorization: "Bearer wrong-token-0123456789" }), [401, "Bearer"]);
  const authorization = `Bearer ${reader}`;
  assert.equal((await status({ authorization, origin: "https://evil.example" }))[0], 403);
  assert.equal((await status({ authorization, "mcp-session-id": "nobody's" }))[0], 404);
  // A session belongs to who began it.
  const begun = await post({ authorization });
  await begun.body?.cancel();
  const session = begun.headers.get("mcp-session-id") ?? "";
  assert.equal((await status({ authorization: `Bearer ${laptop}`, "mcp-session-id": session }))[0], 404);
  assert.equal(await newBlackBox(host.nexo).metric("nexo_refusals_total", "mcp_host", "wrong_token"), 1);
});

Deno.test("calls from outside go the one way of all tools: allowed, limited, checked, journaled", async () => {
  await using host = await openHost({
    allowed_tools: ["calculate"],
    tool_rate_limits: { calculate: { rps: 0.001, burst: 2 } },
  });
  await using client = await connect(host.nexo, laptop);
  assert.deepEqual((await client.listTools()).tools.map(({ name }) => name).sort(), [
    "ask_agent",
    "calculate",
    "list_agents",
    "session_search",
  ]);
  const calculate = async (input: Record<string, unknown>) =>
    textOf(await client.callTool({ name: "calculate", arguments: input }));
  assert.match(await calculate({ wrong: true }), /does not fit the tool/);
  assert.match(await calculate({ expression: "1+1" }), /2/);
  assert.match(await calculate({ expression: "1+1" }), /too often/);
  const box = newBlackBox(host.nexo);
  assert.equal(await box.metric("nexo_tool_calls_total", 'tool="calculate"', 'outcome="ok"'), 1);
  const ended = await host.nexo.nextLog("call.ended");
  const turn = await box.get(`/api/turns/${ended["turn"]}`);
  assert.match(JSON.stringify(turn), /"sessionId":"ana\/api\/ana\/laptop".*"name":"calculate"/);
});

Deno.test("tools of MCP servers are hidden from programs unless they are named", async () => {
  await using far = openMcpServer([newServerTool("far"), newServerTool("near")]);
  await using hidden = await openHost({}, { servers: { s: { url: far.url } }, serve: { tools: ["*"] } });
  const names = async (nexo: NexoProcess) => {
    await using client = await connect(nexo, nexo.token);
    return (await client.listTools()).tools.map(({ name }) => name).filter((name) => name.startsWith("mcp_"));
  };
  await hidden.nexo.nextLog("mcp.connected");
  assert.deepEqual(await names(hidden.nexo), []);
  await using named = await openHost({}, { servers: { s: { url: far.url } }, serve: { tools: ["mcp_s_n*"] } });
  await named.nexo.nextLog("mcp.connected");
  assert.deepEqual(await names(named.nexo), ["mcp_s_near"]);
});

Deno.test({
  name: "a desktop client's program serves the running process over stdio, also over its restart",
  // The library's own client leaves a timer of two seconds behind when it has ended its program.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: testDesktopClient,
});

async function testDesktopClient(): Promise<void> {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  let nexo = await startNexo({ config, dataDir: data.path });
  const client = new Client({ name: "desktop", version: "1.0.0" });
  const transport = new StdioClientTransport({
    command: Deno.execPath(),
    args: [...await startFlags(), "main.ts", "mcp-server", "--agent", "ana", "--data", data.path],
    env: inheritedEnv(),
    stderr: "ignore",
  });
  await client.connect(transport);
  assert.match(textOf(await client.callTool({ name: "ask_agent", arguments: { message: "hi" } })), /answer to: hi/);
  await nexo[Symbol.asyncDispose]();
  await assert.rejects(client.callTool({ name: "list_agents", arguments: {} }), /Nothing runs on/);
  nexo = await startNexo({ config, dataDir: data.path });
  assert.match(textOf(await client.callTool({ name: "list_agents", arguments: {} })), /ana/);
  await client.close();
  await nexo[Symbol.asyncDispose]();
}
