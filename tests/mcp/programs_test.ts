import assert from "node:assert/strict";
import { toProgramServer } from "../fixtures/mcp_programs.ts";
import { openMcpFixture } from "./mcp_room.ts";

Deno.test("server-everything as a confined program: tools, resources, prompts, images, data, progress", async () => {
  await using mcp = await openMcpFixture({
    all: await toProgramServer("everything", { dangerous_tools: ["get-env"], tools: ["*"] }),
  });
  const { title, confinement, tools } = await mcp.untilUp("all");
  assert.match(title, /Everything/);
  assert.equal(confinement, "bubblewrap");
  assert.ok(tools.every(({ state }) => state === "live"), JSON.stringify(tools));

  const echoed = await mcp.call("mcp_all_echo", { message: "hi" });
  assert.deepEqual(echoed, { content: [{ type: "text", text: "Echo: hi" }], untrusted: true });
  const { content: image } = await mcp.call("mcp_all_get_tiny_image");
  assert.ok(image.some((part) => part.type === "image" && part.mimeType === "image/png"));
  const { content: data } = await mcp.call("mcp_all_get_structured_content", { location: "New York" });
  assert.deepEqual(data.map(({ type }) => type), ["json"]);
  await mcp.call("mcp_all_trigger_long_running_operation", { duration: 1, steps: 2 });
  assert.deepEqual(mcp.progress.map(({ total }) => total), [2, 2]);
  const { content: list } = await mcp.call("mcp_all_list_resources");
  assert.match(JSON.stringify(list), /demo:\/\/resource/);
  const { content: prompts } = await mcp.call("mcp_all_list_prompts");
  assert.match(JSON.stringify(prompts), /simple-prompt/);
});

Deno.test("a program's environment holds what mcp.yaml gives it, and nothing of this process's", async () => {
  await using mcp = await openMcpFixture({ all: await toProgramServer("everything") });
  await mcp.untilUp("all");
  const { content } = await mcp.call("mcp_all_get_env");
  const names = Object.keys(JSON.parse(content[0]?.type === "text" ? content[0].text : "{}"));
  const ours = ["DENO_DIR", "DENO_NO_UPDATE_CHECK", "HOME", "LANG", "NO_COLOR", "PATH", "TMPDIR"];
  // Set by the shell that starts it, and by Deno for programs of npm.
  const theirs = ["OLDPWD", "PWD", "SHLVL", "_", "npm_config_user_agent"];
  assert.deepEqual(names.filter((name) => !ours.includes(name) && !theirs.includes(name)), []);
});
