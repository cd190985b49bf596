import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);
/** One word of the index; what others said holds another one. */
const marker = "zqmarkeralpha";
const kept = "zqkeptbravo";

/** Files below `folder` whose bytes hold `text`. */
async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await filesWith(path, text));
    else if (new TextDecoder("latin1").decode(await Deno.readFile(path)).includes(text)) found.push(path);
  }
  return found;
}

/** A process that a person, marked by the word, has talked with in every way, and others beside them. */
async function openTalkedWith(dataDir: string) {
  await using opening = new AsyncDisposableStack();
  const model = opening.use(openFakeModel());
  const telegram = opening.use(await openFakeBotApi({ username: "nexo_bot" }));
  const nexo = opening.use(
    await startNexo({
      config: newTestConfig({
        modelUrl: model.baseUrl,
        telegram,
        agent: {
          allowed_tools: ["remember", "workspace_write"],
          inbound_bindings: [{ plugin: "telegram", instance: "main", open: true }],
        },
      }),
      dataDir,
    }),
  );
  await model.setRules([
    { when: "explode", act: "status", status: 400 },
    {
      when: "note this",
      act: "call",
      tool: "remember",
      toolArguments: JSON.stringify({ text: `She likes ${marker} a lot` }),
      times: 1,
    },
    {
      when: "write this",
      act: "call",
      tool: "workspace_write",
      toolArguments: JSON.stringify({ path: "MEMORY.md", mode: "append", content: `${marker}\n`, why: "so" }),
      times: 1,
    },
  ]);
  const mention = { entities: [{ type: "mention", offset: 0, length: 9 }] };
  const say = async (chat: number, from: number, text: string) => {
    const known = telegram.sent.length;
    telegram.inject({ chat, from, text: `@nexo_bot ${text}`, extra: mention });
    await telegram.nextSent((message) => telegram.sent.indexOf(message) >= known && message.chatId === chat, soon());
  };
  const send = (chat: number, from: number, words: string) => {
    const file_id = telegram.addFile(new TextEncoder().encode(words), `documents/${words}.txt`);
    const document = { file_id, mime_type: "text/plain", file_name: `${words}.txt` };
    telegram.inject({ chat, from, extra: { document } });
  };
  send(7001, 7001, marker);
  send(7002, 7002, kept);
  await say(7001, 7001, `hello ${marker}`);
  await say(7001, 7001, `note this ${marker}`);
  await say(7001, 7001, `write this ${marker}`);
  await say(7001, 7001, `explode ${marker}`);
  await say(-5, 7002, `group ${kept}`);
  await say(-5, 7001, `group ${marker}`);
  await say(-5, 7002, `more ${kept}`);
  await say(7002, 7002, `private ${kept}`);
  await Deno.mkdir(`${dataDir}/agents/ana/workspace`, { recursive: true });
  await Deno.writeTextFile(`${dataDir}/agents/ana/workspace/USER.md`, "They are nice.");
  await Deno.writeTextFile(`${dataDir}/plugins/telegram/main/media/a.jpg`, marker);
  await Deno.writeTextFile(`${dataDir}/ledger.db.before-v2`, marker);
  await nexo.idle();
  const owned = opening.move();
  return { nexo, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function assertForgotten(dataDir: string): Promise<void> {
  const files = await Array.fromAsync(Deno.readDir(`${dataDir}/agents/ana/attachments`), ({ name }) => name.slice(13));
  assert.deepEqual(files, [`${kept}.txt`]);
  assert.deepEqual(await filesWith(dataDir, marker), []);
  assert.deepEqual(await filesWith(dataDir, "telegram:7001"), []);
  assert.deepEqual(await filesWith(dataDir, "telegram/main/7001"), []);
  const found = await runAgent(["sessions", "search", kept, "--json", "--data", dataDir]);
  const sessions = JSON.parse(found.stdout).items.map(({ sessionId }: { sessionId: string }) => sessionId);
  assert.deepEqual([...new Set(sessions)].sort(), ["ana/telegram/main/-5", "ana/telegram/main/7002"]);
}

Deno.test("a person is forgotten by a running process, to the last byte, and others are not", async () => {
  await using data = await openTempDir();
  {
    await using world = await openTalkedWith(data.path);
    assert.notDeepEqual(await filesWith(data.path, marker), []);
    const flags = ["--data", data.path];
    const dry = JSON.parse(
      (await runAgent(["forget-person", "telegram:7001", "--dry-run", "--json", ...flags])).stdout,
    );
    assert.equal(dry.dryRun, true);
    assert.ok(dry.messages >= 8 && dry.turns >= 4 && dry.deadLetters === 1, JSON.stringify(dry));
    assert.notDeepEqual(await filesWith(data.path, marker), [], "a dry run deletes nothing");
    const unasked = await runAgent(["forget-person", "telegram:7001", ...flags]);
    assert.deepEqual([unasked.code, unasked.stdout], [2, ""]);
    const { code, stdout, stderr } = await runAgent(["forget-person", "telegram:7001", "--yes", ...flags]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Of telegram:7001 were deleted:\n {2}1 conversation, \d+ messages/);
    assert.match(stdout, /1 fact\n/);
    assert.match(stdout, /agents\/ana\/workspace\/USER\.md/);
    await assertForgotten(data.path);
    // It goes on, also with the person, who begins afresh.
    assert.equal((await newBlackBox(world.nexo).chat({ text: "still there?" })).status, 200);
  }
  await assertForgotten(data.path);
});

Deno.test("a person is forgotten without a process too, and again where nothing is left", async () => {
  await using data = await openTempDir();
  await (await openTalkedWith(data.path))[Symbol.asyncDispose]();
  const forget = () => runAgent(["forget-person", "telegram:7001", "--yes", "--json", "--data", data.path]);
  const { code, stdout, stderr } = await forget();
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).facts, 1);
  await assertForgotten(data.path);
  const again = JSON.parse((await forget()).stdout);
  assert.deepEqual([again.sessions, again.messages, again.facts], [0, 0, 0]);
  assert.equal((await runAgent(["forget-person", "nobody", "--yes", "--data", data.path])).code, 2);
});
