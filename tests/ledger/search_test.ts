import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Ledger } from "../../src/core/ledger.ts";
import { type SessionKey, toSessionId } from "../../src/core/session.ts";
import type { TranscriptEntry } from "../../src/core/transcript.ts";
import { exportSession } from "../../src/ledger/export.ts";
import { newHistory } from "../../src/ledger/history.ts";
import { migrate } from "../../src/ledger/migrate.ts";
import { migrations } from "../../src/ledger/schema.ts";
import { type MessageSearch, searchMessages } from "../../src/ledger/search.ts";
import { appendEntry, appendSummary, readHistory, touchSession } from "../../src/ledger/sessions.ts";
import { openLedgerFolder, openTestLedger } from "./opening.ts";

const signal = new AbortController().signal;
const chat = (conversation: string, agent = "ana"): SessionKey => ({
  agent,
  plugin: "telegram",
  instance: "sales",
  conversation,
});

async function say(ledger: Ledger, key: SessionKey, ...entries: readonly TranscriptEntry[]): Promise<void> {
  await ledger.commit([
    touchSession(key, 1, "", 0),
    ...entries.map((entry, index) => appendEntry(key, 1, "t", entry, index)),
  ]);
}

const user = (text: string, ...people: readonly string[]): TranscriptEntry => ({
  role: "user",
  text,
  sender: "Eva",
  people: [...people],
});

const find = async (ledger: Ledger, search: Omit<MessageSearch, "limit">) =>
  (await searchMessages(ledger, { ...search, limit: 50 }, signal)).map(({ sessionId, text }) => `${sessionId} ${text}`);

Deno.test("what was said and what tools gave is found by words and their beginnings, without accents", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await say(
    ledger,
    chat("7"),
    user("La factura de Málaga"),
    { role: "assistant", text: "It is paid", toolCalls: [] },
    {
      role: "tool",
      results: [{
        callId: "1",
        name: "look",
        isError: false,
        content: [{ type: "text", text: "first" }, { type: "json", value: { colour: "ultramarine" } }],
      }],
    },
  );
  for (const words of ["malaga", "MÁLAGA factura", "fact", "paid it", "first ultramar"]) {
    assert.equal((await find(ledger, { words })).length, 1, words);
  }
  for (const words of ["malaga paid", "base64", "role", "toolCalls"]) {
    assert.deepEqual(await find(ledger, { words }), [], words);
  }
});

Deno.test("a search is words, whatever syntax it holds", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await say(ledger, chat("7"), user("blue and green"), user("NEAR text"));
  await say(ledger, chat("8", "bob"), user("blue secret"));
  const hostile = [
    '"',
    "*",
    'blue" OR "secret',
    "blue OR secret",
    "text:blue",
    "NEAR(",
    "NOT",
    "^",
    "blue'; DROP TABLE messages",
    "{text} : blue",
    "-",
    "\u0000",
    "blue\u0000",
    ")".repeat(500),
    "a ".repeat(250),
  ];
  for (const words of hostile) {
    for (const hit of await find(ledger, { words, agent: "ana" })) assert.match(hit, /^ana/, words);
    await newHistory(ledger).sessions({ search: words, limit: 10 }, signal);
  }
  assert.deepEqual(await find(ledger, { words: 'blue" OR "secret', agent: "ana" }), []);
  assert.equal((await find(ledger, { words: "near", agent: "ana" })).length, 1);
  assert.equal(ledger.read.all("SELECT id FROM messages").length, 3);
});

Deno.test("within a person's scope lie this session and those where nobody else was heard", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await say(ledger, chat("1"), user("plum one", "telegram:a"));
  await say(ledger, chat("2"), user("plum two", "telegram:a"));
  await say(ledger, chat("3"), user("plum three", "telegram:b"));
  await say(ledger, chat("-5"), user("plum group", "telegram:a"), user("plum too", "telegram:b"));
  await say(ledger, chat("6"), user("plum of nobody"));
  await say(ledger, chat("7", "bob"), user("plum of bob", "telegram:a"));
  const within = (conversation: string, person?: string) =>
    find(ledger, { words: "plum", agent: "ana", within: { sessionId: toSessionId(chat(conversation)), person } });
  const texts = (hits: readonly string[]) => hits.map((hit) => hit.split(" ").slice(1).join(" ")).sort();
  assert.deepEqual(texts(await within("1", "telegram:a")), ["plum one", "plum two"]);
  assert.deepEqual(texts(await within("3", "telegram:b")), ["plum three"]);
  assert.deepEqual(texts(await within("-5")), ["plum group", "plum too"]);
  assert.deepEqual(texts(await within("6")), ["plum of nobody"]);
  assert.deepEqual(await within("9"), []);
});

Deno.test("an old ledger's transcripts are found after the migration, and a deleted entry never again", async () => {
  await using folder = await openLedgerFolder();
  const old = new DatabaseSync(folder.path);
  migrate(old, folder.path, migrations.slice(0, 2));
  const insert = old.prepare(
    "INSERT INTO messages (agent, session_id, epoch, role, body, at) VALUES (?, ?, 1, ?, ?, 0)",
  );
  insert.run("ana", "ana/telegram/sales/7", "user", JSON.stringify({ role: "user", text: "an old plum" }));
  insert.run("ana", "ana/telegram/sales/7", "note", "no JSON");
  const event = { payload: { plugin: "telegram", message: { sender: { id: "42" } } } };
  old.exec(`INSERT INTO turns (id, agent, session_id, state, boot_id, input, received_at, started_at)
    VALUES ('t', 'ana', 'ana/telegram/sales/7', 'done', 'b', '{}', 0, 0)`);
  old.prepare(
    "INSERT INTO inbox (consumer, event_id, subject, event, turn_id, received_at) VALUES ('c', 'e', 's', ?, 't', 0)",
  )
    .run(JSON.stringify(event));
  old.close();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const within = { sessionId: "other", person: "telegram:42" };
  assert.equal((await find(ledger, { words: "plum", within })).length, 1);
  await ledger.commit([{ sql: "DELETE FROM messages", values: [] }]);
  assert.deepEqual(await find(ledger, { words: "plum" }), []);
});

Deno.test("a summary takes the place of what it sums up, once, and only while that is what is there", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await say(ledger, chat("7"), ...["one", "two", "three", "four"].map((text) => user(text)));
  const source = { afterId: 0, firstId: 1, throughId: 3, count: 3 };
  const append = async (change: Partial<typeof source>) =>
    (await ledger.commit([
      appendSummary(chat("7"), 1, { role: "note", text: "so far", summary: true }, { ...source, ...change }, 9),
    ]))[0]?.length;
  assert.equal(await append({ count: 4 }), 0, "an entry was deleted meanwhile");
  assert.equal(await append({}), 1);
  assert.equal(await append({}), 0, "it is there already");
  const { summary, entries, isCut } = readHistory(ledger.read, chat("7"), 1, 10);
  assert.deepEqual(summary, { text: "so far", untrusted: false, throughId: 3 });
  assert.deepEqual([entries.length, isCut], [1, false]);
  assert.equal(ledger.read.all("SELECT id FROM messages").length, 5, "the transcript keeps everything");
  assert.deepEqual(await find(ledger, { words: "far" }), [], "a summary is no message");
});

Deno.test("a transcript of many pages is exported whole, in order, and nothing in it can pass for a heading", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const texts = Array.from({ length: 450 }, (_, index) => `message ${index}`);
  await say(ledger, chat("7"), ...texts.map((text) => user(text)), user("one\n## 2026 · assistant\n\u001b[2Jtwo"));
  const read = async (format: "md" | "jsonl") => {
    let text = "";
    for await (const piece of exportSession(ledger, "ana/telegram/sales/7", format, signal)) text += piece;
    return text;
  };
  const lines = (await read("jsonl")).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.slice(0, 450).map(({ text }) => text), texts);
  assert.deepEqual(Object.keys(lines[0]), ["id", "at", "epoch", "turnId", "role", "text", "sender", "people"]);
  const markdown = await read("md");
  assert.equal(markdown.match(/^## /gm)?.length, 451);
  assert.match(markdown, /^> one\n> ## 2026 · assistant\n> \[2Jtwo$/m);
  await assert.rejects(exportSession(ledger, "ana/none", "md", signal).next(), /There is no session ana\/none/);
});
