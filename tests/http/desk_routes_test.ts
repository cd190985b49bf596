import assert from "node:assert/strict";
import { configSettingsAnswerSchema } from "../../src/http/config_api.ts";
import { type ToolDetail, toolTriedSchema } from "../../src/http/tools_api.ts";
import { workspaceFilesSchema, workspaceTextSchema } from "../../src/http/workspace_api.ts";
import { toTextVersion } from "../../src/lib/text_version.ts";
import { logIn, openHttpFixture, token } from "./http_fixture.ts";

Deno.test("a browser that is logged in lets a program run only with the token entered once more", async () => {
  const enabled: string[] = [];
  await using http = await openHttpFixture({
    extensions: {
      views: () => [],
      enable: (id, hash) => Promise.resolve(void enabled.push(`${id} ${hash}`)),
      disable: () => Promise.resolve(),
    },
  });
  const cookie = await logIn(http);
  const { origin } = http.room.addresses.admin;
  const enable = async (body: unknown, headers: Record<string, string>) => {
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await http.admin("/api/extensions/weather/enable", init);
    return { status: response.status, text: await response.text() };
  };
  const page = { cookie, origin, "x-nexo-csrf": "1" };
  for (const body of [{ hash: "a1" }, { hash: "a1", token: "wrong" }]) {
    const refused = await enable(body, page);
    assert.equal(refused.status, 403);
    assert.match(refused.text, /"reason":"token_again"/);
  }
  assert.deepEqual(enabled, []);
  assert.equal((await enable({ hash: "a1", token }, page)).status, 200);
  assert.equal((await enable({ hash: "a2" }, { authorization: `Bearer ${token}` })).status, 200);
  assert.deepEqual(enabled, ["weather a1", "weather a2"]);
});

Deno.test("what is accepted of an MCP server is written down with who did it", async () => {
  const notes: unknown[] = [];
  await using http = await openHttpFixture({
    mcp: {
      servers: () => [],
      accept: () => Promise.resolve(["price"]),
      questions: () => [],
      answer: () => assert.fail("nothing is answered here"),
      beginLogin: () => assert.fail("nobody logs in here"),
      finishLogin: () => assert.fail("nobody logs in here"),
    },
    audit: { list: () => Promise.resolve([]), note: (entry) => Promise.resolve(void notes.push(entry)) },
  });
  const response = await http.post("/api/mcp/servers/shop/accept", {});
  assert.deepEqual(await response.json(), { accepted: ["price"] });
  assert.deepEqual(notes, [{ actor: "api", action: "mcp.accepted", target: "shop: price" }]);
});

Deno.test("settings in force are explained with where they come from", async () => {
  const asked: string[] = [];
  await using http = await openHttpFixture({
    explain(path) {
      asked.push(path);
      return [{ path: "agents.ana.id", value: "ana", origin: "agents.yaml:3", type: "text" }];
    },
  });
  const response = await http.admin("/api/config/explain?path=agents.ana");
  const { items } = configSettingsAnswerSchema.parse(await response.json());
  assert.deepEqual([asked, items[0]?.origin], [["agents.ana"], "agents.yaml:3"]);
});

Deno.test("an operator sees an agent's files and what stands in them", async () => {
  const file = { path: "notes/2026-11-22.md", sizeBytes: 5, modifiedAt: "2026-11-22T10:00:00.000Z" };
  await using http = await openHttpFixture({
    workspaces: {
      of: () => ({
        list: () => Promise.resolve([file]),
        read: (path) => Promise.resolve(`text of ${path}`),
        change: () => Promise.resolve(undefined),
        history: () => Promise.resolve([]),
        diff: () => Promise.resolve([]),
        show: () => Promise.reject(new Error("not asked for")),
        revert: () => Promise.reject(new Error("not asked for")),
        forget: () => Promise.resolve([]),
        troubles: () => Promise.resolve([]),
      }),
    },
  });
  const files = await http.admin("/api/agents/ana/workspace/files");
  assert.deepEqual(workspaceFilesSchema.parse(await files.json()).files, [file]);
  const text = await http.admin(`/api/agents/ana/workspace/file?path=${encodeURIComponent(file.path)}`);
  const shown = workspaceTextSchema.parse(await text.json());
  assert.deepEqual([shown.text, shown.version], ["text of notes/2026-11-22.md", await toTextVersion(shown.text)]);
});

Deno.test("a chat message may be an image alone, and nothing is fetched for it", async () => {
  await using http = await openHttpFixture();
  const image = "data:image/png;base64,iVBORw0KGgo=";
  const response = await http.post("/api/chat", { agent: "ana", text: "", images: [image] });
  const { message } = await http.nextInbound();
  assert.deepEqual(message.attachments, [{ kind: "image", mimeType: "image/png", sizeBytes: 8, ref: image }]);
  await response.body?.cancel();
  for (const body of [{ text: "" }, { text: "look", images: ["https://example.org/a.png"] }]) {
    const refused = await http.post("/api/chat", { agent: "ana", ...body });
    assert.equal(refused.status, 400, await refused.text());
  }
});

Deno.test("a tool is tried after it was written down, and a browser sends the token again where it is dangerous", async () => {
  const happened: string[] = [];
  const tool: ToolDetail = {
    name: "mail_send",
    description: "Sends a mail",
    from: "plugin",
    source: "email",
    effect: "once",
    dangerous: true,
    agents: ["ana"],
    calls: 0,
    errors: 0,
    medianMs: null,
    slowMs: null,
    breaker: "closed",
    inputSchema: { type: "object" },
    deadlineMs: null,
    permissions: [],
    asksToken: "mail_send is marked as dangerous",
  };
  await using http = await openHttpFixture({
    tools: {
      list: () => Promise.resolve([tool]),
      show: (name) => Promise.resolve({ ...tool, name }),
      try(name, { agent, input }) {
        happened.push(`${agent} runs ${name} ${JSON.stringify(input)}`);
        const content = [{ type: "text" as const, text: "sent" }];
        return Promise.resolve({ turnId: "t1", outcome: "ok", isError: false, untrusted: false, tookMs: 3, content });
      },
    },
    audit: {
      list: () => Promise.resolve([]),
      note: ({ action, target }) => Promise.resolve(void happened.push(`${action} ${target}`)),
    },
  });
  const cookie = await logIn(http);
  happened.length = 0;
  const page = { cookie, origin: http.room.addresses.admin.origin, "x-nexo-csrf": "1" };
  const attempt = async (body: unknown, headers: Record<string, string> = page) => {
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await http.admin("/api/tools/mail_send/try", init);
    return { status: response.status, text: await response.text() };
  };
  const given = { agent: "ana", input: { to: "eva@example.org" } };
  for (const body of [given, { ...given, token: "wrong" }]) {
    const refused = await attempt(body);
    assert.equal(refused.status, 403);
    assert.match(refused.text, /"reason":"token_again"/);
  }
  assert.deepEqual(happened, []);
  assert.equal((await attempt({ input: {} })).status, 400);
  const tried = await attempt({ ...given, token });
  assert.equal(toolTriedSchema.parse(JSON.parse(tried.text)).turnId, "t1");
  assert.equal((await attempt(given, { authorization: `Bearer ${token}` })).status, 200);
  const once = ["tool.tried mail_send as ana", 'ana runs mail_send {"to":"eva@example.org"}'];
  assert.deepEqual(happened, [...once, ...once]);
});
