import assert from "node:assert/strict";
import { z } from "zod";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { findDescendants, toProgramServer } from "../fixtures/mcp_programs.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { newServerTool, openMcpServer } from "../mcp/mcp_server.ts";
import { type BlackBox, eventually, newBlackBox } from "./black_box.ts";

const serversSchema = z.object({
  servers: z.array(z.object({ server: z.string(), state: z.string(), reconnects: z.number() })),
});

async function readServer(box: BlackBox, name: string) {
  return serversSchema.parse(await box.get("/api/mcp/servers")).servers.find(({ server }) => server === name);
}

function untilUp(box: BlackBox, name: string): Promise<void> {
  return eventually(async () => (await readServer(box, name))?.state === "up", `${name} is up`, 60_000);
}

Deno.test("an agent works with the filesystem and memory servers", async () => {
  await using folder = await openTempDir();
  const docs = await Deno.realPath(folder.path);
  await Deno.chmod(docs, 0o777);
  await Deno.writeTextFile(`${docs}/list.txt`, "milk");
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["mcp_files_*", "mcp_notes_*"] } }),
      "mcp.yaml": {
        servers: {
          files: await toProgramServer("filesystem", { args: [docs], write: [docs] }),
          notes: await toProgramServer("memory", {
            env: { MEMORY_FILE_PATH: `${docs}/notes.jsonl` },
            write: [docs],
          }),
        },
      },
    },
  });
  const box = newBlackBox(nexo);
  await Promise.all(["files", "notes"].map((name) => untilUp(box, name)));
  const ask = async (tool: string, input: unknown) =>
    (await box.chat({ user: "u", text: `tool:${tool} ${JSON.stringify(input)}` })).text;

  assert.match(await ask("mcp_files_read_text_file", { path: `${docs}/list.txt` }), /tool said: .*milk/s);
  await ask("mcp_files_write_file", { path: `${docs}/new.txt`, content: "bread" });
  assert.equal(await Deno.readTextFile(`${docs}/new.txt`), "bread");
  assert.match(await ask("mcp_files_read_text_file", { path: "/etc/hostname" }), /denied|outside/i);

  const entity = { name: "Eva", entityType: "person", observations: ["likes bread"] };
  await ask("mcp_notes_create_entities", { entities: [entity] });
  assert.match(await ask("mcp_notes_search_nodes", { query: "bread" }), /tool said: .*Eva/s);
});

Deno.test("a server that is killed in the middle of a call is back for the next, and the model is told", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["mcp_all_*"] } }),
      "mcp.yaml": { servers: { all: await toProgramServer("everything") } },
    },
  });
  const box = newBlackBox(nexo);
  await untilUp(box, "all");
  const call = box.chat({
    user: "u",
    text: 'tool:mcp_all_trigger_long_running_operation {"duration":60,"steps":600}',
  });
  await model.requests({ atLeast: 1 });
  await eventually(async () => await box.metric("nexo_turns_running") > 0, "the turn runs");
  const [innermost] = await findDescendants(nexo.pid, "server-everything");
  assert.ok(innermost !== undefined);
  Deno.kill(innermost, "SIGKILL");
  assert.match((await call).text, /tool said: .*went away during the call/s);
  await eventually(
    async () => {
      const server = await readServer(box, "all");
      return server?.state === "up" && server.reconnects > 0;
    },
    "the server is back",
    60_000,
  );
  const { text } = await box.chat({ user: "u", text: 'tool:mcp_all_echo {"message":"again"}' });
  assert.match(text, /tool said: .*Echo: again/s);
  assert.equal((await box.ready()).status, 200);
});

Deno.test("servers are named, changed and taken away in mcp.yaml while the process runs", async () => {
  await using folder = await openTempDir();
  await using one = openMcpServer([newServerTool("ping")]);
  await using two = openMcpServer([newServerTool("pong")]);
  await using model = openFakeModel();
  const files = newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["mcp_*"] } });
  await writeConfig(folder.path, { ...files, "mcp.yaml": { servers: { one: { url: one.url } } } });
  await using nexo = await startNexo({ config: folder.path });
  const box = newBlackBox(nexo);
  await untilUp(box, "one");
  await writeConfig(folder.path, { "mcp.yaml": { servers: { one: { url: one.url }, two: { url: two.url } } } });
  await untilUp(box, "two");
  assert.match((await box.chat({ user: "u", text: "tool:mcp_two_pong {}" })).text, /pong done/);
  assert.equal(one.sessions, 1);
  await writeConfig(folder.path, { "mcp.yaml": { servers: { two: { url: two.url } } } });
  await eventually(async () => await readServer(box, "one") === undefined, "one is gone");
  assert.match((await box.chat({ user: "u", text: "tool:mcp_one_ping {}" })).text, /no tool mcp_one_ping/);
  assert.equal(two.sessions, 1);
});

Deno.test("agent mcp lists servers and tools, and takes held ones", async () => {
  await using server = openMcpServer([newServerTool("ping")]);
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: ["mcp_*"] } }),
      "mcp.yaml": { servers: { one: { url: server.url, trust: "ask" } } },
    },
  });
  const box = newBlackBox(nexo);
  await untilUp(box, "one");
  const place = ["--data", nexo.dataDir];
  assert.match((await runAgent(["mcp", "list", ...place])).stdout, /one +up .*fixture 1\.0\.0 +0 +1/);
  assert.match((await runAgent(["mcp", "tools", "one", ...place])).stdout, /mcp_one_ping +held +it was never accepted/);
  assert.match((await runAgent(["status", ...place])).stdout, /mcp\.one.*agent mcp tools one/s);
  assert.equal((await runAgent(["mcp", "accept", "two", ...place])).code, 4);
  assert.match((await runAgent(["mcp", "accept", "one", "ping", ...place])).stdout, /Accepted 1 tool: ping/);
  assert.match((await box.chat({ user: "u", text: "tool:mcp_one_ping {}" })).text, /ping done/);
});
