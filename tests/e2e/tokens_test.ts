import assert from "node:assert/strict";
import { auditAnswerSchema } from "../../src/http/audit_api.ts";
import { type TokenCreated, tokenCreatedSchema, tokensAnswerSchema } from "../../src/http/tokens_api.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { eventually } from "./black_box.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";

async function statusOf(nexo: NexoProcess, token: string, path = "/api/status", init: RequestInit = {}) {
  const response = await fetch(`${nexo.admin}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
  await response.body?.cancel();
  return response.status;
}

function newCommands(dataDir: string) {
  const agent = (...args: string[]) => runAgent(["token", ...args, "--data", dataDir]);
  return {
    agent,
    async create(name: string, ...flags: string[]): Promise<TokenCreated> {
      const { stdout, stderr } = await agent("create", name, "--json", ...flags);
      assert.equal(stderr, "");
      return tokenCreatedSchema.parse(JSON.parse(stdout));
    },
    async list() {
      return tokensAnswerSchema.parse(JSON.parse((await agent("list", "--json")).stdout)).items;
    },
  };
}

Deno.test("tokens are made, listed and revoked by the command line, with a process and without", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const { agent, create, list } = newCommands(data.path);
  assert.equal((await agent("create", "eva")).code, 6, "nothing has ever run there");
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    const made = await agent("create", "vera", "--role", "viewer", "--expires", "30d");
    const token = made.stdout.trim();
    assert.match(made.stdout, /^nexo_[\w-]{43}\n$/);
    assert.match(made.stderr, /^Token 1, vera, viewer, until \d{4}-[^]*agent token revoke 1\n$/);
    assert.deepEqual([await statusOf(nexo, token), await statusOf(nexo, token, "/api/chat", { method: "POST" })], [
      200,
      403,
    ]);
    const operator = await create("olga", "--role", "operator", "--expires", "12h");
    assert.equal(await statusOf(nexo, operator.text, "/api/extensions/none/disable", { method: "POST" }), 404);
    assert.match((await agent("list")).stdout, /ID +NAME[^]* 2 +olga +operator +live[^]* 1 +vera +viewer +live/);

    const before = await statusOf(nexo, operator.text);
    const revoked = await agent("revoke", String(operator.id));
    assert.equal(revoked.stdout, "Token 2, olga, operator, is revoked.\n");
    assert.deepEqual([before, await statusOf(nexo, operator.text)], [200, 401]);
    assert.deepEqual([(await agent("revoke", "2")).code, (await agent("revoke", "9")).code], [5, 4]);
    for (
      const args of [["create", "a b"], ["create", "eva", "--role", "admin"], ["create", "eva", "--expires", "soon"]]
    ) {
      assert.equal((await agent(...args)).code, 2);
    }
    assert.equal((await agent("create", "vera")).code, 5, "the name is taken");

    const asViewer = { env: { AGENT_ADMIN_TOKEN: token } };
    assert.equal((await runAgent(["status", "--data", data.path], asViewer)).code, 0);
    const refused = await runAgent(["token", "create", "mallory", "--role", "operator", "--data", data.path], asViewer);
    assert.deepEqual([refused.code, refused.stdout], [3, ""]);
    assert.match(refused.stderr, /viewer/);
  }
  const viewer = await create("ben", "--role", "viewer");
  const short = await create("hasty", "--expires", "1s");
  assert.equal((await agent("revoke", "1")).stdout, "Token 1, vera, viewer, is revoked.\n");
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    assert.equal(await statusOf(nexo, viewer.text), 200);
    await eventually(async () => await statusOf(nexo, short.text) === 401, "the end of a token of one second");
    assert.deepEqual((await list()).map(({ name, state }) => [name, state]), [
      ["hasty", "expired"],
      ["ben", "live"],
      ["olga", "revoked"],
      ["vera", "revoked"],
    ]);
    const audit = await fetch(`${nexo.admin}/api/audit`, { headers: { authorization: `Bearer ${viewer.text}` } });
    const { items } = auditAnswerSchema.parse(await audit.json());
    assert.deepEqual(items.map(({ actor, action, target }) => `${actor} ${action} ${target}`), [
      "cli token.revoked vera, viewer",
      "cli token.created hasty, viewer",
      "cli token.created ben, viewer",
      "cli token.revoked olga, operator",
      "cli token.created olga, operator",
      "cli token.created vera, viewer",
    ]);
  }
});

Deno.test("a new root token takes the place of the old one, with a process and without", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const { agent, create } = newCommands(data.path);
  const path = `${data.path}/admin.token`;
  const readRoot = async () => (await Deno.readTextFile(path)).trim();
  let second: string;
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    const other = await create("olga", "--role", "operator");
    const rotated = await agent("rotate");
    second = await readRoot();
    assert.deepEqual([rotated.code, rotated.stdout.includes(second)], [0, false]);
    assert.notEqual(second, nexo.token);
    assert.deepEqual([await statusOf(nexo, nexo.token), await statusOf(nexo, second)], [401, 200]);
    assert.equal(await statusOf(nexo, other.text), 200);
  }
  assert.equal((await agent("rotate")).code, 0);
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  const third = await readRoot();
  assert.notEqual(third, second);
  const fromEnv = { env: { AGENT_ADMIN_TOKEN: "a-token-of-the-environment" } };
  assert.equal((await runAgent(["token", "rotate", "--data", data.path], fromEnv)).code, 5);
  {
    await using nexo = await startNexo({ config, dataDir: data.path, env: fromEnv.env });
    const { code, stderr } = await runAgent(["token", "rotate", "--data", data.path], fromEnv);
    assert.equal(code, 5);
    assert.match(stderr, /AGENT_ADMIN_TOKEN/);
    assert.equal(await statusOf(nexo, fromEnv.env.AGENT_ADMIN_TOKEN), 200);
  }
});
