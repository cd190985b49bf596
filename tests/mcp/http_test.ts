import assert from "node:assert/strict";
import { openMcpFixture } from "./mcp_room.ts";
import { newServerTool, openMcpServer } from "./mcp_server.ts";

Deno.test("tools of a server over HTTP are called by their prefixed names", async () => {
  await using server = openMcpServer([
    newServerTool("echo", ({ args }) => ({ content: [{ type: "text", text: JSON.stringify(args) }] })),
  ]);
  await using mcp = await openMcpFixture({ files: { url: server.url } });
  await mcp.untilUp("files");
  assert.deepEqual(mcp.room.tools.current.map(({ name }) => name), ["mcp_files_echo"]);
  const result = await mcp.call("mcp_files_echo", { a: 1 });
  assert.deepEqual(result, { content: [{ type: "text", text: '{"a":1}' }], untrusted: true });
});

Deno.test("a process without servers does not load the library", async () => {
  await using mcp = await openMcpFixture({});
  assert.deepEqual(mcp.room.tools.current, []);
  await assert.rejects(Deno.stat(`${mcp.dir}/mcp`));
});

Deno.test("tools that appear while the connection is open are there at once, those that go are gone", async () => {
  await using server = openMcpServer([newServerTool("one")]);
  await using mcp = await openMcpFixture({ s: { url: server.url } });
  await mcp.untilUp("s");
  const before = mcp.tool("mcp_s_one");
  server.tools = [newServerTool("one"), newServerTool("two")];
  await server.tellChanged();
  await mcp.until(() => mcp.room.tools.current.length === 2 ? true : undefined);
  assert.equal(mcp.tool("mcp_s_one"), before);
  server.tools = [newServerTool("two")];
  await server.tellChanged();
  await mcp.until(() => mcp.room.tools.current.length === 1 ? true : undefined);
  assert.equal(mcp.room.tools.current[0]?.name, "mcp_s_two");
});

Deno.test("images, data and links reach the model as what they are", async () => {
  await using server = openMcpServer([
    newServerTool("mixed", () => ({
      content: [
        { type: "text", text: '{"sum":3}' },
        { type: "text", text: "three" },
        { type: "image", mimeType: "image/png", data: "aGk=" },
        { type: "resource_link", uri: "file:///a", name: "a" },
        { type: "resource", resource: { uri: "file:///b", text: "bee" } },
        { type: "audio", mimeType: "audio/wav", data: "aGk=" },
      ],
      structuredContent: { sum: 3 },
    })),
  ]);
  await using mcp = await openMcpFixture({ s: { url: server.url } });
  await mcp.untilUp("s");
  const { content } = await mcp.call("mcp_s_mixed");
  assert.deepEqual(content, [
    { type: "text", text: "three" },
    { type: "image", mimeType: "image/png", base64: "aGk=" },
    { type: "text", text: "[resource file:///a (a)]" },
    { type: "text", text: "[file:///b]\nbee" },
    { type: "text", text: "[audio, audio/wav, 4 characters of base64: it cannot be heard here]" },
    { type: "json", value: { sum: 3 } },
  ]);
});

Deno.test("resources and prompts are tools of their server", async () => {
  await using server = openMcpServer([], {
    options: { capabilities: { resources: {}, prompts: {} } },
    prepare(session) {
      session.setRequestHandler("resources/list", () => ({
        resources: [{ uri: "memo://1", name: "memo", mimeType: "text/plain" }],
      }));
      session.setRequestHandler("resources/templates/list", () => ({
        resourceTemplates: [{ uriTemplate: "memo://{id}", name: "any memo" }],
      }));
      session.setRequestHandler("resources/read", ({ params }) => ({ contents: [{ uri: params.uri, text: "milk" }] }));
      session.setRequestHandler("prompts/list", () => ({
        prompts: [{ name: "greet", description: "Greets", arguments: [{ name: "who", required: true }] }],
      }));
      session.setRequestHandler("prompts/get", ({ params }) => ({
        messages: [{ role: "user", content: { type: "text", text: `Greet ${params.arguments?.["who"]}` } }],
      }));
    },
  });
  await using mcp = await openMcpFixture({ s: { url: server.url } });
  await mcp.untilUp("s");
  const names = mcp.room.tools.current.map(({ name }) => name);
  assert.deepEqual(names, ["mcp_s_list_resources", "mcp_s_read_resource", "mcp_s_list_prompts", "mcp_s_get_prompt"]);
  const text = async (name: string, input: unknown) => {
    const { content } = await mcp.call(name, input);
    return content.map((part) => part.type === "text" ? part.text : part.type).join("\n");
  };
  assert.equal(await text("mcp_s_list_resources", {}), "memo://1 memo text/plain\nmemo://{id} (a template) any memo");
  assert.equal(await text("mcp_s_read_resource", { uri: "memo://1" }), "[memo://1]\nmilk");
  assert.equal(await text("mcp_s_list_prompts", {}), "greet(who) Greets");
  assert.equal(await text("mcp_s_get_prompt", { name: "greet", arguments: { who: "Eva" } }), "[user]\nGreet Eva");
});

Deno.test("headers go to the server, and a secret among them is nowhere else", async () => {
  await using server = openMcpServer([newServerTool("one")]);
  await using mcp = await openMcpFixture({ s: { url: server.url, headers: { Authorization: "Bearer s3cret" } } });
  await mcp.untilUp("s");
  assert.ok(server.headers.every((headers) => headers.get("authorization") === "Bearer s3cret"));
  assert.ok(!JSON.stringify([mcp.room.view(), mcp.log.entries]).includes("s3cret"));
});

Deno.test("progress of a call is told, and a cancelled call is cancelled there", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using server = openMcpServer([
    newServerTool("slow", async ({ signal, progress }) => {
      await progress(1, 4);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      cancelled.resolve();
      return { content: [] };
    }),
  ]);
  await using mcp = await openMcpFixture({ s: { url: server.url } });
  await mcp.untilUp("s");
  const stop = new AbortController();
  const call = mcp.call("mcp_s_slow", {}, { signal: stop.signal });
  await mcp.until(() => mcp.progress.length > 0 ? true : undefined);
  stop.abort();
  await assert.rejects(call);
  await cancelled.promise;
  assert.deepEqual(mcp.progress[0], { done: 1, total: 4 });
});

Deno.test("a server that forgets the session is connected again, and the call is made once", async () => {
  let calls = 0;
  await using server = openMcpServer([
    newServerTool("count", () => ({ content: [{ type: "text", text: String(++calls) }] })),
  ]);
  await using mcp = await openMcpFixture({ s: { url: server.url } });
  await mcp.untilUp("s");
  server.forget();
  const { content } = await mcp.call("mcp_s_count");
  assert.deepEqual([content, calls, server.sessions], [[{ type: "text", text: "1" }], 1, 2]);
});

Deno.test("a server that was away is connected as soon as it is back, and its tools stay meanwhile", async () => {
  const first = openMcpServer([newServerTool("one")]);
  await using mcp = await openMcpFixture({ s: { url: first.url } });
  await mcp.untilUp("s");
  await first[Symbol.asyncDispose]();
  const call = mcp.call("mcp_s_one");
  await assert.rejects(call, { kind: "unavailable" });
  await mcp.until(() => mcp.room.view()[0]?.state === "down" ? true : undefined);
  assert.match(mcp.room.status()[0]?.reason ?? "", /refused|reset|closed/i);
  assert.equal(mcp.room.tools.current.length, 1);
  await using _second = openMcpServer([newServerTool("one")], { port: first.port });
  await mcp.untilUp("s");
  assert.equal((await mcp.call("mcp_s_one")).isError, undefined);
});

Deno.test("a change of one server's config leaves the others connected", async () => {
  await using one = openMcpServer([newServerTool("a")]);
  await using two = openMcpServer([newServerTool("b")]);
  await using mcp = await openMcpFixture({ one: { url: one.url }, two: { url: two.url } });
  await mcp.untilUp("one");
  await mcp.untilUp("two");
  const kept = mcp.config.current.servers["one"];
  mcp.configure({ two: { url: two.url, tools: ["nothing"] } });
  const { current } = mcp.config;
  if (kept !== undefined) mcp.config.set({ ...current, servers: { ...current.servers, one: kept } });
  await mcp.until(() => mcp.room.tools.current.length === 1 ? true : undefined);
  assert.equal(one.sessions, 1);
  assert.equal(mcp.room.tools.current[0]?.name, "mcp_one_a");
});

Deno.test("a server that was taken out of the config counts no more as away", async () => {
  await using server = openMcpServer([newServerTool("a")]);
  await using mcp = await openMcpFixture({ stays: { url: server.url }, goes: { url: "http://127.0.0.1:1" } });
  await mcp.untilUp("stays");
  const written = (name: string) => mcp.metrics.writesOf("nexo_mcp_server_up", { server: name });
  await mcp.until(() => written("goes") > 0 ? true : undefined);
  mcp.configure({ stays: { url: server.url } });
  await mcp.until(() => written("goes") === 0 ? true : undefined);
  assert.equal(mcp.metrics.writesOf("nexo_mcp_tools_held", { server: "goes" }), 0);
  assert.ok(written("stays") > 0);
});

Deno.test("tools of a server seen before are there before it answers", async () => {
  const dir = await Deno.makeTempDir();
  const server = openMcpServer([newServerTool("one")]);
  {
    await using mcp = await openMcpFixture({ s: { url: server.url } }, { dir });
    await mcp.untilUp("s");
  }
  await server[Symbol.asyncDispose]();
  await using mcp = await openMcpFixture({ s: { url: server.url } }, { dir });
  assert.deepEqual(mcp.room.tools.current.map(({ name }) => name), ["mcp_s_one"]);
  await Deno.remove(dir, { recursive: true });
});
