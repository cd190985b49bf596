import assert from "node:assert/strict";
import { z } from "zod";
import { runAgent } from "../fixtures/agent_command.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { repository } from "./pages.ts";

const page = await Deno.readTextFile(new URL("docs/operations.md", repository));

/** What stands between backticks in the first cells of a section's tables. */
function listFirstCells(section: string): readonly string[] {
  const text = page.slice(page.indexOf(`\n## ${section}\n`)).split(/\n## /)[1] ?? "";
  return [...text.matchAll(/^\| (`.*?) \|/gm)]
    .flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
}

Deno.test("the page about operations has every check of the doctor, and no other", async () => {
  await using folder = await openTempDir();
  const config = `${folder.path}/config`;
  await writeConfig(config, { "agents.yaml": { agents: [{ id: "ana" }] } });
  const { stdout } = await runAgent(["doctor", "--json", "--config", config, "--data", `${folder.path}/data`]);
  const { checks } = z.object({ checks: z.array(z.object({ name: z.string() })) }).parse(JSON.parse(stdout));
  const named = listFirstCells("When something is wrong");
  assert.deepEqual(checks.map(({ name }) => name).filter((name) => !named.includes(name)), []);
  // What only a running process can tell stands beside what a stopped one has.
  const others = named.filter((name) => !checks.some((check) => check.name === name));
  assert.deepEqual(others, ["running parts", "versions"]);
});

Deno.test("every part that /ready tells of stands in the page about operations, and is as critical as it says", async () => {
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: "http://127.0.0.1:1", agent: { allowed_tools: ["recall"] } }),
      "mcp.yaml": { servers: { away: { url: "http://127.0.0.1:1" } } },
      "plugins/telegram.yaml": { telegram: [{ instance: "sales", token: "1:a", api_root: "http://127.0.0.1:1" }] },
    },
  });
  const response = await fetch(`${nexo.health}/ready`);
  const { subsystems } = z.object({ subsystems: z.array(z.object({ name: z.string(), critical: z.boolean() })) })
    .parse(await response.json());
  const rows = new Map(
    page.slice(page.indexOf("\n## Ready\n")).split(/\n## /)[1]?.split("\n").flatMap((line) => {
      const [, names = "", critical = ""] = /^\| (`.*?) +\| ([\w ]+?) +\|/.exec(line) ?? [];
      return [...names.matchAll(/`([^`.]+)[^`]*`/g)].map(([, name = ""]) => [name, critical]);
    }),
  );
  assert.ok(subsystems.length > 6, JSON.stringify(subsystems));
  for (const { name, critical } of subsystems) {
    const said = rows.get(name.split(".")[0] ?? "");
    assert.ok(said !== undefined, `${name} stands nowhere`);
    assert.equal(said.startsWith("yes"), critical, name);
  }
});
