import assert from "node:assert/strict";
import { join } from "node:path";
import { email } from "../../plugins/email/plugin.ts";
import { telegram } from "../../plugins/telegram/plugin.ts";
import { formatFaults } from "../../src/config/fault.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openConfigFolder } from "../fixtures/config_folder.ts";

const shipped = new URL("../../config/", import.meta.url).pathname;

Deno.test("the shipped config loads without any variable", async () => {
  const result = await loadConfig({ dir: shipped, env: {}, plugins: [telegram, email], generation: 1 });
  assert(result.ok, result.ok ? "" : formatFaults(result.faults));
  assert.deepEqual(result.loaded.config.agents.map(({ id, model }) => [id, model]), [["ana", "auto"]]);
  assert.deepEqual(Object.values(result.loaded.config.llm.providers).map(({ api_key }) => api_key?.reveal()), [
    "",
    "",
    "",
    "",
    "",
  ]);
  assert.deepEqual(result.loaded.warnings, []);
});

Deno.test("the shipped examples load when their names say so", async () => {
  const read = (name: string) => Deno.readTextFile(join(shipped, name));
  await using folder = await openConfigFolder({
    "agents.yaml": await read("agents.yaml"),
    "agents.d/support.yaml": await read("agents.d/support.example.yaml"),
    "llm.yaml": await read("llm.yaml"),
    "plugins/telegram.yaml": await read("plugins/telegram.example.yaml"),
    "secrets/telegram_sales": "123:token\n",
    "plugins/email.yaml": await read("plugins/email.example.yaml"),
    "secrets/email_support": "a password\n",
  });
  const result = await loadConfig({ dir: folder.dir, env: {}, plugins: [telegram, email], generation: 1 });
  assert(result.ok, result.ok ? "" : formatFaults(result.faults));
});
