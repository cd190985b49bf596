import assert from "node:assert/strict";
import type { ChatEvent } from "../../src/http/chat_api.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { keys, openPtyAgent } from "../fixtures/pty.ts";
import { openFakeAdmin } from "./fake_admin.ts";

const turn = { agent: "ana", sessionId: "ana/console/ana/c1", turnId: "t1" };
const accepted: ChatEvent = { type: "accepted", conversation: "c1", key: "k1", duplicate: false };
const answered: readonly ChatEvent[] = [
  accepted,
  { ...turn, type: "toolStarted", callId: "1", tool: "clock", input: { zone: "UTC" } },
  { ...turn, type: "toolEnded", callId: "1", tool: "clock", isError: false, preview: "noon\u001b[2J", tookMs: 12 },
  { ...turn, type: "text", text: "It is " },
  { type: "reply", outcome: "answered", text: "It is \u001b]0;owned\u0007noon.", turnId: "t1" },
];

Deno.test("status of a ready process is 0, of one that is not ready 1", async () => {
  await using ready = await openFakeAdmin();
  const good = await runAgent(["status", "--data", ready.dataDir]);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /nexo 0\.1\.0 is ready\nProcess 4711, started /);
  assert.match(good.stdout, /telegram\.sales +up +@sales_bot +ana/);
  await using unready = await openFakeAdmin({
    status: {
      ready: false,
      subsystems: [{ name: "ledger", state: "down", reason: "The disk is full", critical: true }],
    },
  });
  const bad = await runAgent(["status", "--data", unready.dataDir, "--json"]);
  assert.equal(bad.code, 1, bad.stderr);
  const status = JSON.parse(bad.stdout);
  assert.deepEqual([status.running, status.ready, status.subsystems[0].reason], [true, false, "The disk is full"]);
});

Deno.test("the data folder comes from AGENT_DATA, and the flag wins over it", async () => {
  await using admin = await openFakeAdmin();
  const byEnv = await runAgent(["status"], { env: { AGENT_DATA: admin.dataDir } });
  assert.equal(byEnv.code, 0, byEnv.stderr);
  const byFlag = await runAgent(["status", "--data", admin.dataDir], { env: { AGENT_DATA: "/nowhere" } });
  assert.equal(byFlag.code, 0, byFlag.stderr);
});

Deno.test("a wrong token is told with exit code 3, and the right one of the environment wins over the file", async () => {
  await using admin = await openFakeAdmin({ token: "from-the-environment" });
  const denied = await runAgent(["status", "--data", admin.dataDir]);
  assert.deepEqual([denied.code, denied.stdout], [3, ""]);
  assert.match(denied.stderr, /token is not the one/);
  const right = await runAgent(["status", "--data", admin.dataDir], {
    env: { AGENT_ADMIN_TOKEN: "from-the-environment" },
  });
  assert.equal(right.code, 0, right.stderr);
});

Deno.test("the token does not travel through a proxy", async () => {
  await using admin = await openFakeAdmin();
  const env = { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" };
  const { code, stderr } = await runAgent(["status", "--data", admin.dataDir], { env });
  assert.equal(code, 0, stderr);
});

Deno.test("a process of another boot is not the one of the data folder", async () => {
  await using admin = await openFakeAdmin({ bootId: "boot-0" });
  assert.equal((await runAgent(["status", "--data", admin.dataDir])).code, 6);
});

Deno.test("a piped chat prints answers, and tool calls beside them, harmless to the terminal", async () => {
  await using admin = await openFakeAdmin({ chat: answered });
  const { code, stdout, stderr } = await runAgent(["chat", "ana", "--data", admin.dataDir], { stdin: "one?\n\ntwo?" });
  assert.equal(code, 0, stderr);
  const line = "It is \u241b]0;owned\u2407noon.\n";
  assert.equal(stdout, line + line);
  assert.match(stderr, /→ clock \{"zone":"UTC"\}\n {2}✓ clock, 12 ms: noon\u241b\[2J\n/);
  const [, first, second] = admin.requests;
  assert.equal(first, 'POST /api/chat {"agent":"ana","text":"one?"}');
  assert.equal(second, 'POST /api/chat {"agent":"ana","conversation":"c1","text":"two?"}');
});

Deno.test("a chat with a failed turn ends with 1 and says why", async () => {
  const error = { kind: "unavailable", message: "The model is down" };
  await using admin = await openFakeAdmin({
    chat: [accepted, { type: "reply", outcome: "failed", text: "Sorry.", turnId: "t1", error }],
  });
  const { code, stdout, stderr } = await runAgent(["chat", "ana", "--data", admin.dataDir], { stdin: "hi\n" });
  assert.deepEqual([code, stdout], [1, "Sorry.\n"]);
  assert.match(stderr, /The model is down/);
});

Deno.test("a chat whose stream breaks off says that the message is kept", async () => {
  await using admin = await openFakeAdmin({ chat: [accepted] });
  const { code, stderr } = await runAgent(["chat", "ana", "--data", admin.dataDir], { stdin: "hi\n" });
  assert.equal(code, 1);
  assert.match(stderr, /The message is kept/);
});

Deno.test("chat --json prints every event, one a line", async () => {
  await using admin = await openFakeAdmin({ chat: answered });
  const { stdout } = await runAgent(["chat", "ana", "--data", admin.dataDir, "--json"], { stdin: "hi\n" });
  assert.deepEqual(stdout.trim().split("\n").map((line) => JSON.parse(line)), answered);
});

Deno.test("an agent that is not there is told with the nearest one", async () => {
  await using admin = await openFakeAdmin();
  const { code, stderr } = await runAgent(["chat", "anna", "--data", admin.dataDir]);
  assert.equal(code, 4);
  assert.match(stderr, /no agent "anna"\. Did you mean "ana"\?/);
});

Deno.test("dlq passes conditions and ids on to the process", async () => {
  await using admin = await openFakeAdmin();
  const data = ["--data", admin.dataDir];
  const list = await runAgent(["dlq", "list", "--hop", "outbound", "--older-than", "1h", ...data]);
  assert.match(list.stdout, /12 .*outbound +ana +blocked_by_user +1 +The bot was blocked/);
  const show = await runAgent(["dlq", "show", "12", ...data]);
  assert.match(show.stdout, /Cause +denied, blocked_by_user/);
  assert.ok(!show.stdout.includes("\u001b"));
  assert.equal(JSON.parse((await runAgent(["dlq", "show", "12", "--json", ...data])).stdout).id, 12);
  assert.equal((await runAgent(["dlq", "replay", "12", "13", ...data])).stdout, "1 dead letter replayed.\n");
  await runAgent(["dlq", "purge", "--cause", "denied", "--yes", ...data]);
  assert.deepEqual(admin.requests.filter((request) => !request.includes("/api/status")), [
    "GET /api/dead-letters?hop=outbound&olderThanMs=3600000&limit=50",
    "GET /api/dead-letters/12",
    "GET /api/dead-letters/12",
    'POST /api/dead-letters/replay {"ids":[12,13],"dryRun":false}',
    'POST /api/dead-letters/purge {"filter":{"cause":"denied"},"dryRun":false}',
  ]);
});

Deno.test("purge without --yes refuses where nobody can be asked", async () => {
  await using admin = await openFakeAdmin();
  const { code, stderr } = await runAgent(["dlq", "purge", "12", "--data", admin.dataDir], { stdin: "y\n" });
  assert.equal(code, 2);
  assert.match(stderr, /Add --yes/);
  assert.deepEqual(admin.requests, []);
});

Deno.test("replay and purge want ids or conditions, and not both", async () => {
  for (const args of [["replay"], ["purge", "--yes"], ["replay", "12", "--hop", "turn"]]) {
    const { code, stderr } = await runAgent(["dlq", ...args, "--data", "/nowhere"]);
    assert.equal(code, 2);
    assert.match(stderr, /either ids .* or conditions/);
  }
});

Deno.test("sessions are listed and shown", async () => {
  await using admin = await openFakeAdmin();
  const data = ["--data", admin.dataDir];
  const list = await runAgent(["sessions", "list", "--agent", "ana", "--search", "hel lo", "--limit", "5", ...data]);
  assert.match(list.stdout, /ana\/telegram\/sales\/7 +hello/);
  assert.equal(admin.requests.at(-1), "GET /api/sessions?agent=ana&search=hel+lo&limit=5");
  const show = await runAgent(["sessions", "show", "ana/telegram/sales/7", ...data]);
  assert.match(show.stdout, /2026-11-22 12:00 UTC {2}user Bo\n {2}hello\n/);
});

Deno.test("a followed log goes on with the next process, and says nothing twice", async () => {
  const entry = (at: string, event: string) => ({
    at: `2026-11-22T12:00:0${at}Z`,
    level: "info" as const,
    event,
    fields: {},
  });
  const first = [entry("1.000", "app.one"), entry("1.000", "app.two")];
  await using admin = await openFakeAdmin({ logs: [first, [...first, entry("2.000", "app.three")]] });
  await using terminal = await openPtyAgent(["logs", "-f", "--data", admin.dataDir], {});
  await terminal.see(/app\.one[^]*app\.two[^]*The process has ended\. What the next one logs follows here/);
  await terminal.see(/app\.three/);
  await terminal.type(keys.ctrlC);
  assert.equal(await terminal.code, 130);
  assert.equal(terminal.screen().match(/app\.(?:one|two|three)/g)?.length, 3);
});

for (
  const [args, said] of [
    [["status", "--confg", "x"], /^agent: There is no flag --confg\. See agent help status\n$/],
    [["setup", "llm", "--provder", "x"], /no flag --provder, did you mean --provider\? See agent help setup llm\n$/],
    [["setup", "agent", "--name", "-x"], /no flag -x\. A value that begins with - is written --flag=VALUE\. See /],
    [["setup", "agent", "--id"], /--id needs a value\. See/],
    [["setup", "agent", "--id", "a", "--id", "b"], /--id is given twice\./],
    [["status", "--data="], /--data= has nothing behind it\./],
    [["doctor", "--config", ""], /--config cannot be "": it is empty\./],
    [["setup", "agent", "--id", "a", "--name", " "], /--name cannot be " ": it is empty\./],
    [["logs", "--limit", "0"], /--limit cannot be "0": write 1 to 2000\. See agent help logs\n$/],
    [["dlq", "show"], /^agent: ID is missing\. See agent help dlq show\n$/],
    [["version", "two", "words"], /"two" is one argument more than it takes\./],
  ] as const
) {
  Deno.test(`agent ${args.join(" ")} is refused with what is wrong, and where its help is`, async () => {
    const { code, stdout, stderr } = await runAgent(args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, said);
  });
}

Deno.test("every command and every group has examples in its help", async () => {
  const groups = ["setup", "service", "pair", "token", "channels", "dlq", "sessions", "memory", "workspace", "config"];
  for (const command of [...groups, "mcp", "ext", "setup telegram"]) {
    const { code, stdout } = await runAgent(["help", ...command.split(" ")]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^EXAMPLES\n {2}\\S*agent ${command.split(" ")[0]}`, "m"), command);
  }
});
