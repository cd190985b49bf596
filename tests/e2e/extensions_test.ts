import assert from "node:assert/strict";
import { z } from "zod";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { type BlackBox, newBlackBox } from "./black_box.ts";

const extensionsSchema = z.object({
  extensions: z.array(z.object({ id: z.string(), state: z.string(), tools: z.array(z.string()), hash: z.string() })),
});

/** A config, a data folder and the command line on both. */
async function openPlace(modelUrl: string) {
  const place = await openTempDir();
  const [config, data] = [`${place.path}/config`, `${place.path}/data`];
  const agent = { allowed_tools: ["ext_*"] };
  await writeConfig(config, {
    ...newTestConfig({ modelUrl, agent }),
    "extensions.yaml": { search_paths: [`${place.path}/extensions`] },
  });
  return {
    config,
    data,
    path: place.path,
    async ext(...args: readonly string[]) {
      const [command = "", ...rest] = args;
      const where = command === "new" ? [] : ["--config", config, "--data", data];
      const outcome = await runAgent(["ext", command, ...where, ...rest]);
      return { ...outcome, said: outcome.stdout + outcome.stderr };
    },
    [Symbol.asyncDispose]: place[Symbol.asyncDispose],
  };
}

async function untilState(box: BlackBox, id: string, state: string) {
  for (const patience = AbortSignal.timeout(60_000);; patience.throwIfAborted()) {
    const { extensions } = extensionsSchema.parse(await box.get("/api/extensions"));
    const found = extensions.find((one) => one.id === id);
    if (found?.state === state) return found;
  }
}

Deno.test("a new extension is installed, enabled and answers in an agent's turn", async () => {
  await using model = openFakeModel();
  await using place = await openPlace(model.baseUrl);
  const folder = `${place.path}/greeter`;
  for (const template of ["ts", "python", "shell"]) {
    const id = `greeter-${template}`;
    assert.equal((await place.ext("new", `${folder}-${template}`, "--template", template)).code, 0);
    assert.equal((await place.ext("install", `${folder}-${template}`)).code, 0);
    const refused = await place.ext("enable", id);
    assert.equal(refused.code, 3);
    assert.match(refused.said, /asks to:[\s\S]*run .*main/);
    assert.equal((await place.ext("enable", id, "--yes")).code, 0);
    const run = await place.ext("run", id, "greet", '{"name":"Ana"}');
    assert.deepEqual([run.code, run.stdout], [0, "Hello, Ana!\n"]);
  }
  const failed = await place.ext("run", "greeter-python", "greet", "null");
  assert.deepEqual([failed.code, failed.stdout], [1, ""], "a tool that fails is no wrong flag");
  assert.match(failed.stderr, /^agent: greet failed: |^greet failed: /);
  const { code, said } = await place.ext("doctor");
  assert.equal(code, 0, said);
  assert.match(said, /OK +greeter-ts: 1 tool, behind deno/);
  assert.match(said, /OK +greeter-python: 1 tool, behind bubblewrap/);

  await using nexo = await startNexo({ config: place.config, dataDir: place.data });
  const box = newBlackBox(nexo);
  for (const template of ["ts", "python", "shell"]) {
    await untilState(box, `greeter-${template}`, "up");
    const { text } = await box.chat({ user: template, text: `tool:ext_greeter_${template}_greet {"name":"Bo"}` });
    assert.match(text, /Hello, Bo!/);
  }
  assert.match((await place.ext("list")).said, /greeter-ts +0\.1\.0 +up +deno/);
  assert.match((await place.ext("info", "greeter-ts")).said, /ext_greeter_ts_greet/);
});

Deno.test("the admin API lists, disables and enables extensions, and the audit knows who did it", async () => {
  await using model = openFakeModel();
  await using place = await openPlace(model.baseUrl);
  await place.ext("new", `${place.path}/greeter`);
  await place.ext("install", `${place.path}/greeter`);
  await using nexo = await startNexo({ config: place.config, dataDir: place.data });
  const box = newBlackBox(nexo);
  const { hash } = await untilState(box, "greeter", "off");
  const withoutIt = await countTools(box);
  const wrong = await box.request("/api/extensions/greeter/enable", { method: "POST", body: '{"hash":"0"}' });
  assert.equal(wrong.status, 409);
  await wrong.body?.cancel();
  assert.deepEqual(await box.post("/api/extensions/greeter/enable", { hash }), { ok: true });
  await untilState(box, "greeter", "up");
  assert.match(JSON.stringify(await box.get("/api/status")), /"name":"extension.greeter"[^}]*"state":"ok"/);
  await untilToolCount(box, 1 + withoutIt);
  assert.equal((await place.ext("disable", "greeter")).code, 0);
  await untilToolCount(box, withoutIt);
  await untilState(box, "greeter", "off");
  assert.match((await box.chat({ user: "u", text: 'tool:ext_greeter_greet {"name":"Bo"}' })).text, /no tool/);
  const audit = JSON.stringify(await box.get("/api/audit"));
  assert.match(audit, /"actor":"cli","action":"extension.disabled"[\s\S]*"actor":"api","action":"extension.enabled"/);
});

Deno.test("a killed process leaves no extension behind, and the next one starts them again", async () => {
  await using model = openFakeModel();
  await using place = await openPlace(model.baseUrl);
  for (const template of ["ts", "shell"]) {
    await place.ext("new", `${place.path}/greeter-${template}`, "--template", template);
    await place.ext("install", `${place.path}/greeter-${template}`);
    await place.ext("enable", `greeter-${template}`, "--yes");
  }
  {
    await using nexo = await startNexo({ config: place.config, dataDir: place.data });
    for (const id of ["greeter-ts", "greeter-shell"]) await untilState(newBlackBox(nexo), id, "up");
    assert.ok(await countProcesses(place.data) > 2);
    nexo.kill("SIGKILL");
    await nexo.stopped;
    for (const patience = AbortSignal.timeout(60_000); await countProcesses(place.data) > 0;) patience.throwIfAborted();
  }
  await using again = await startNexo({ config: place.config, dataDir: place.data });
  await untilState(newBlackBox(again), "greeter-shell", "up");
});

async function countTools(box: BlackBox): Promise<number> {
  const { agents } = z.object({ agents: z.array(z.object({ tools: z.number() })) }).parse(await box.get("/api/agents"));
  return agents[0]?.tools ?? 0;
}

async function untilToolCount(box: BlackBox, count: number): Promise<void> {
  for (const patience = AbortSignal.timeout(60_000); await countTools(box) !== count;) patience.throwIfAborted();
}

/** Processes whose command line names the data folder. */
async function countProcesses(dataDir: string): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "stat=,args="] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line.includes(dataDir) && !line.startsWith("Z"))
    .length;
}
