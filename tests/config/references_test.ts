import assert from "node:assert/strict";
import { join } from "node:path";
import { isSecret } from "../../src/config/same.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openConfigFolder } from "../fixtures/config_folder.ts";
import { chat, loadFaulty, loadGood, oneAgent, toLines } from "./loading.ts";

function promptOf(text: string, env: Record<string, string> = {}) {
  return loadGood({ "agents.yaml": `agents:\n  - id: ana\n    system_prompt: ${text}\n` }, { env })
    .then(({ config }) => config.agents[0]?.system_prompt);
}

async function loadSecret(files: Readonly<Record<string, string>>, reference: string) {
  await using folder = await openConfigFolder({
    "agents.yaml": oneAgent,
    "plugins/chat.yaml": `chat:\n  token: "${reference}"\n`,
    ...files,
  });
  const result = await loadConfig({ dir: folder.dir, env: {}, plugins: [chat], generation: 1 });
  if (!result.ok) return { faults: result.faults.map(({ message }) => message), token: undefined, warnings: [] };
  const settings = result.loaded.config.plugins[0]?.config;
  assert(typeof settings === "object" && settings !== null && "token" in settings && isSecret(settings.token));
  return {
    faults: [],
    token: settings.token.reveal(),
    warnings: result.loaded.warnings.map(({ message }) => message),
    files: result.loaded.files.map((file) => file.replace(join(folder.dir, "/"), "")),
  };
}

Deno.test("a variable is put in, and a default where it is unset or empty", async () => {
  assert.equal(await promptOf('"Hi ${NAME}, ${GREETING:-good day}!"', { NAME: "Ana" }), "Hi Ana, good day!");
  assert.equal(await promptOf('"${NAME:-Bob}"', { NAME: "" }), "Bob");
  assert.equal(await promptOf('"${NAME:-}"'), "");
});

Deno.test("$${ is a literal ${", async () => {
  assert.equal(await promptOf('"$${NAME} costs $5"'), "${NAME} costs $5");
});

Deno.test("what a variable holds is never read as YAML", async () => {
  const value = "a: b # c\n\"quoted\" 'too'\n- item\n}]: &x *y !!z";
  assert.equal(await promptOf("${TEXT}", { TEXT: value }), value);
});

Deno.test("what a variable holds is never read as a reference", async () => {
  assert.equal(await promptOf("${A}", { A: "${B} $${C} ${file:/etc/passwd}" }), "${B} $${C} ${file:/etc/passwd}");
});

Deno.test("a variable cannot add agents or keys", async () => {
  const { config } = await loadGood({ "agents.yaml": "agents:\n  - id: ana\n    description: ${EVIL}\n" }, {
    env: { EVIL: "x\n    allowed_tools: ['*']\n  - id: evil" },
  });
  assert.equal(config.agents.length, 1);
  assert.equal(config.agents[0]?.allowed_tools, undefined);
});

Deno.test("keys and comments are left alone", async () => {
  const { config } = await loadGood({
    "agents.yaml": oneAgent,
    "llm.yaml": "# ${UNSET}\nproviders:\n  anthropic:\n    headers:\n      ${UNSET}: x\n",
  });
  assert.deepEqual(Object.keys(config.llm.providers.anthropic?.headers ?? {}), ["${UNSET}"]);
});

Deno.test("every missing variable is named, also two in one text", async () => {
  const faults = await loadFaulty({ "agents.yaml": 'agents: [{ id: ana, system_prompt: "${ONE} ${TWO}" }]' });
  assert.deepEqual(toLines(faults), [
    "agents.yaml:1 agents[0].system_prompt: ${ONE} is not set",
    "agents.yaml:1 agents[0].system_prompt: ${TWO} is not set",
  ]);
});

Deno.test("a missing variable is one fault, not also an invalid value", async () => {
  const faults = await loadFaulty({ "agents.yaml": oneAgent, "runtime.yaml": 'http: { admin: "${ADMIN}" }' });
  assert.deepEqual(faults.map(({ message }) => message), ["${ADMIN} is not set"]);
});

Deno.test("a ${ that begins no reference is a fault that tells how to write it", async () => {
  for (const text of ["${", "${1X}", "${A-b}", "${}"]) {
    const [fault] = await loadFaulty({ "agents.yaml": `agents: [{ id: ana, system_prompt: "${text}" }]` });
    assert.match(fault?.remedy ?? "", /\$\$\{/, text);
  }
});

Deno.test("a number from a variable is refused with the reason", async () => {
  const [fault] = await loadFaulty({
    "agents.yaml": oneAgent,
    "runtime.yaml": 'limits: { max_parallel_turns: "${TURNS}" }',
  }, { env: { TURNS: "8" } });
  assert.match(fault?.message ?? "", /a reference, which is always text$/);
});

Deno.test("a secret file loads verbatim but for one trailing newline", async () => {
  const secret = "p: a#s\"s'\n\n${NOT_READ}";
  const { token, files } = await loadSecret({ "secrets/chat": `${secret}\n` }, "${file:./secrets/chat}");
  assert.equal(token, secret);
  assert(files?.some((file) => file.endsWith("secrets/chat")));
});

Deno.test("a secret may stand in secrets/ beside the config folder", async () => {
  assert.equal((await loadSecret({ "../secrets/chat": "t" }, "${file:../secrets/chat}")).token, "t");
});

Deno.test("a secret file elsewhere is refused", async () => {
  const outside = [["../elsewhere", "${file:../elsewhere}"], ["x", "${file:/etc/hostname}"]] as const;
  for (const [file, reference] of outside) {
    assert.match((await loadSecret({ [file]: "t" }, reference)).faults[0] ?? "", /leads out of the folders/);
  }
});

Deno.test("a link out of the folder is refused", async () => {
  await using folder = await openConfigFolder({
    "agents.yaml": oneAgent,
    "plugins/chat.yaml": 'chat: { token: "${file:link}" }',
    "../elsewhere": "t",
  });
  await Deno.symlink("../elsewhere", join(folder.dir, "link"));
  const result = await loadConfig({ dir: folder.dir, env: {}, plugins: [chat], generation: 1 });
  assert(!result.ok);
  assert.match(result.faults[0]?.message ?? "", /leads out of the folders/);
});

Deno.test("a missing secret file says so", async () => {
  assert.deepEqual((await loadSecret({}, "${file:nowhere}")).faults, [
    "${file:nowhere} cannot be read: there is no such file",
  ]);
});

Deno.test("a secret file larger than 64 KiB is refused", async () => {
  assert.match((await loadSecret({ big: "x".repeat(70_000) }, "${file:big}")).faults[0] ?? "", /at most 65536 bytes/);
});

Deno.test("a secret file that others can read is a warning", async () => {
  await using folder = await openConfigFolder({
    "agents.yaml": oneAgent,
    "plugins/chat.yaml": "chat:\n  token: ${file:token}\n",
    token: "t",
  });
  const load = () => loadConfig({ dir: folder.dir, env: {}, plugins: [chat], generation: 1 });
  const quiet = await load();
  assert(quiet.ok && quiet.loaded.warnings.length === 0);
  await Deno.chmod(join(folder.dir, "token"), 0o644);
  const loud = await load();
  assert(loud.ok);
  const [warning] = loud.loaded.warnings;
  assert.equal(warning?.line, 2);
  assert.equal(warning.message, "${file:token} can be read by other users");
  assert.match(warning.remedy, /chmod 600/);
});
