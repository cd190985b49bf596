import assert from "node:assert/strict";
import { toRunArgs } from "../../scripts/npm_programs.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { findDenoDir } from "../fixtures/mcp_programs.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";

Deno.test("the MCP Inspector's command line lists our tools and talks to an agent", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const denoDir = await findDenoDir();
  const home = await Deno.makeTempDir();
  const inspect = async (...args: readonly string[]) => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...toRunArgs("inspector", "--cli", `${nexo.admin}/mcp`, "--transport", "http"),
        ...["--header", `Authorization: Bearer ${nexo.token}`, ...args],
      ],
      env: { HOME: home, DENO_DIR: denoDir, NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    assert.ok(success, decoder.decode(stderr));
    return decoder.decode(stdout);
  };
  assert.match(await inspect("--method", "tools/list"), /"ask_agent"/);
  const called = await inspect("--method", "tools/call", "--tool-name", "ask_agent", "--tool-arg", "message=hello");
  assert.match(called, /answer to: hello/);
  await Deno.remove(home, { recursive: true });
});
