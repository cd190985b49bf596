import assert from "node:assert/strict";
import { configFiles } from "../../src/config/files.ts";
import { refusalSchema } from "../../src/http/refusal_api.ts";
import { logIn, openHttpFixture, token } from "./http_fixture.ts";

Deno.test("every file that can name a command or a plugin is edited with the token entered once more alone", async () => {
  const applied: string[] = [];
  await using http = await openHttpFixture({
    configDesk: {
      list: () => Promise.resolve([]),
      options: () => [],
      check: () => Promise.resolve([]),
      apply: ({ path } = assert.fail()) => {
        applied.push(path);
        return Promise.resolve({ result: "unchanged" });
      },
      past: () => Promise.resolve([]),
      readPast: () => Promise.resolve(""),
    },
  });
  const { origin } = http.room.addresses.admin;
  const headers = { cookie: await logIn(http), origin, "x-nexo-csrf": "1" };
  const apply = async (path: string, again?: string) => {
    const edit = { path, text: "", base: "", ...(again === undefined ? {} : { token: again }) };
    const response = await http.admin("/api/config/apply", { method: "POST", headers, body: JSON.stringify(edit) });
    if (response.ok) return String(await response.body?.cancel() ?? "applied");
    return refusalSchema.parse(await response.json()).error.reason;
  };
  const free = ["agents.yaml", "llm.yaml", "broker.yaml", "memory.yaml", "runtime.yaml"];
  const guarded = Object.keys(configFiles).filter((path) => !free.includes(path));
  assert.deepEqual(guarded, ["extensions.yaml", "mcp.yaml"]);
  for (
    const path of [
      ...guarded,
      "plugins/telegram.yaml",
      "plugins/next.yaml",
      "new.yaml",
      "./mcp.yaml",
      "agents.d/../mcp.yaml",
    ]
  ) {
    assert.equal(await apply(path), "token_again", path);
    assert.equal(await apply(path, token), "applied", path);
  }
  applied.length = 0;
  for (const path of [...free, "agents.d/eva.yaml"]) assert.equal(await apply(path), "applied", path);
  assert.equal(applied.length, free.length + 1);
});

Deno.test("an edit that reaches files, keys, tools or listeners needs the token once more, in every file", async () => {
  const before = "agents: [{ id: ana, workspace: /srv/ana }]";
  let applied = 0;
  await using http = await openHttpFixture({
    configDesk: {
      list: () => Promise.resolve([{ path: "agents.yaml", text: before, version: "v1" }]),
      options: () => [],
      check: () => Promise.resolve([]),
      apply: () => {
        applied++;
        return Promise.resolve({ result: "unchanged" });
      },
      past: () => Promise.resolve([]),
      readPast: () => Promise.resolve(""),
    },
  });
  const { origin } = http.room.addresses.admin;
  const session = { cookie: await logIn(http), origin, "x-nexo-csrf": "1" };
  const apply = async (edit: Record<string, string>, headers: Record<string, string> = session) => {
    const body = JSON.stringify({ path: "agents.yaml", base: "v1", ...edit });
    const response = await http.admin("/api/config/apply", { method: "POST", headers, body });
    return response.ok ? String(await response.body?.cancel() ?? "applied") : await response.text();
  };
  const far = "agents: [{ id: ana, workspace: / }]";
  assert.match(await apply({ text: far }), /agents\.workspace in agents\.yaml.*"token_again"/);
  assert.match(await apply({ text: far, token: "wrong" }), /"token_again"/);
  assert.match(await apply({ text: before, base: "v0" }), /"token_again"/, "all of it counts in another text");
  assert.match(await apply({ path: "agents.d/eva.yaml", text: before }), /"token_again"/);
  assert.match(await apply({ path: "runtime.yaml", text: "http: { admin: 0.0.0.0:9091 }" }), /"token_again"/);
  assert.equal(applied, 0);
  assert.equal(await apply({ text: "agents: [{ id: ana, workspace: /srv/ana, language: de }]" }), "applied");
  assert.equal(await apply({ text: far, token }), "applied");
  assert.equal(
    await apply({ text: far }, { authorization: `Bearer ${token}` }),
    "applied",
    "a program shows it anyway",
  );
});
