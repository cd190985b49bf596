import assert from "node:assert/strict";
import { newInk } from "../../src/cli/ink.ts";
import type { Status } from "../../src/http/status_api.ts";
import { formatExamined } from "../../src/cli/doctor.ts";
import { formatDeadLetter, formatDeadLetters } from "../../src/cli/dead_letter_page.ts";
import { formatPairings, sayPerson } from "../../src/cli/pairing_page.ts";
import { formatSessions, formatTranscript } from "../../src/cli/session_page.ts";
import { formatStartPage } from "../../src/cli/start_page.ts";
import { formatStatusPage } from "../../src/cli/status_page.ts";
import { healthy, letter } from "./fake_admin.ts";

const ink = newInk(false);
const nowMs = Date.parse("2026-11-22T15:00:00Z");
const page = {
  loginLink: "http://127.0.0.1:9091/login?code=abc",
  tokenPlace: "./data/admin.token",
};
const bare: Status = {
  ...healthy,
  agents: [{ id: "ana", description: "", model: "demo/demo", tools: 2, hears: [] }],
  channels: [],
  models: [
    { provider: "anthropic", model: "claude", configured: false, missing: "Set ANTHROPIC_API_KEY and start again" },
    { provider: "openai", model: "gpt", configured: false, missing: "Set OPENAI_API_KEY and start again" },
    { provider: "demo", model: "demo", configured: true },
  ],
};

Deno.test("the start page of a complete runtime names console, agents and channels, and misses nothing", () => {
  assert.equal(
    formatStartPage({ ...page, status: healthy }, ink),
    `nexo 0.1.0 is running. Ctrl-C stops it; what it has accepted it answers after the next start.

Console: http://127.0.0.1:9091/login?code=abc
The link works once, for 15 minutes. After that the token in ./data/admin.token logs you in.

AGENT  MODEL             TOOLS  HEARS
ana    anthropic/claude      3  telegram.sales

CHANNEL         STATE  AS          AGENTS  WHY
telegram.sales  up     @sales_bot  ana     -
`,
  );
});

Deno.test("where the start page is kept it has no link that logs in", () => {
  const text = formatStartPage({ ...page, loginLink: "http://127.0.0.1:9091/", status: healthy }, ink);
  assert.match(text, /Console: http:\/\/127\.0\.0\.1:9091\/\nThe token in \.\/data\/admin\.token logs you in\.\n/);
});

Deno.test("the start page of a fresh clone says what is missing, and the line that adds it", () => {
  const text = formatStartPage({ ...page, status: bare }, ink);
  assert.equal(
    text.slice(text.indexOf("+")),
    `+ No model key, so the built-in demo model answers for ana. Set ANTHROPIC_API_KEY and start again. Or the same for openai
+ No channel besides the console. Add one: agent setup telegram, agent setup whatsapp or agent setup email
`,
  );
});

Deno.test("on a terminal of 80 columns no line is longer and no word is cut", () => {
  const reason = "the provider answers 503 for 4 minutes now, and is asked again with growing pauses until it does not";
  const status: Status = {
    ...healthy,
    channels: healthy.channels.map((channel) => ({ ...channel, state: "degraded", reason })),
    subsystems: [{ name: "llm.anthropic", state: "degraded", reason, critical: false }],
  };
  const pages = [
    formatStatusPage({ status, console: "http://127.0.0.1:9091/", nowMs, columns: 80 }, ink),
    formatStartPage({ ...page, status: bare, columns: 80 }, ink),
    formatExamined([{ name: "channels", findings: [{ what: reason, why: reason, mend: "agent status" }] }], ink, 80),
  ];
  for (const text of pages) {
    assert.deepEqual(text.split("\n").filter((line) => line.length > 80), []);
    assert.ok(!/provi$|answe$|minut$/m.test(text));
  }
  assert.match(pages[0] ?? "", /degraded {2}@sales_bot {2}ana {5}the provider answers[^]*\n {45,}\S/);
});

Deno.test("the start page tells of a channel that nobody hears, and of what is not well", () => {
  const status: Status = {
    ...healthy,
    channels: healthy.channels.map((channel) => ({ ...channel, agents: [] })),
    subsystems: [{ name: "plugin.telegram.sales", state: "degraded", reason: "Telegram is slow", critical: false }],
  };
  const text = formatStartPage({ ...page, status }, ink);
  assert.match(text, /^! plugin\.telegram\.sales is degraded: Telegram is slow$/m);
  assert.match(text, /^\+ Nobody hears telegram\.sales\..*instance: sales, allow_from/m);
});

Deno.test("an agent that is meant to use the demo model is no missing key", () => {
  const models = [{ provider: "anthropic", model: "claude", configured: true }];
  assert.ok(!formatStartPage({ ...page, status: { ...bare, models } }, ink).includes("No model key"));
});

Deno.test("the status page shows troubles first, then agents, channels and queues", () => {
  const status: Status = {
    ...healthy,
    ready: false,
    subsystems: [{ name: "ledger", state: "down", reason: "The disk is full", critical: true }],
  };
  assert.equal(
    formatStatusPage({ status, console: "http://127.0.0.1:9091/", nowMs }, ink),
    `nexo 0.1.0 is not ready
Process 4711, started 3 h ago (2026-11-22 12:00 UTC)
Console http://127.0.0.1:9091/

! ledger is down: The disk is full
What mends it: agent doctor

AGENT  MODEL             TOOLS  HEARS
ana    anthropic/claude      3  telegram.sales

CHANNEL         STATE  AS          AGENTS  WHY
telegram.sales  up     @sales_bot  ana     -

QUEUE               WAITING  OLDEST
messages to answer        0       -
replies to send           2  42.0 s
dead letters              1     2 h
See what died, and why: agent dlq list
`,
  );
});

Deno.test("dead letters are a table, and one of them a page with its body made harmless", () => {
  assert.equal(
    formatDeadLetters([letter], nowMs, ink),
    `ID     DIED  HOP       AGENT  CAUSE            TRIES  WHAT HAPPENED
12  3 h ago  outbound  ana    blocked_by_user      1  The bot was blocked

Whole: agent dlq show ID. Once the cause is gone: agent dlq replay ID
`,
  );
  assert.equal(
    formatDeadLetter({ ...letter, message: "No\u009b2J", body: { text: "\u202egnp" } }, ink),
    `Dead letter    12
Died           2026-11-22 12:01 UTC after 1 try, the first at 2026-11-22 12:00 UTC
Hop            outbound
Subject        plugin.outbound.telegram.sales
Event          event-1
Agent          ana
Session        ana/telegram/sales/7
Cause          denied, blocked_by_user
What happened  No\ufffd2J

{
  "text": "\ufffdgnp"
}
`,
  );
});

Deno.test("sessions are a table that never cuts an id, and a transcript reads from old to new", () => {
  const id = `ana/telegram/sales/${"7".repeat(100)}`;
  const session = {
    id,
    agent: "ana",
    plugin: "telegram",
    instance: "sales",
    conversation: "7",
    thread: null,
    title: "安 hello\nyou",
    lastAt: "2026-11-22T14:59:00Z",
  };
  assert.equal(
    formatSessions({ items: [session], next: "9:x" }, nowMs, ink),
    `     LAST  ${"SESSION".padEnd(id.length)}  BEGAN WITH
1 min ago  ${id}  安 hello you

There are older ones: --before 9:x

A transcript: agent sessions show SESSION
`,
  );
  const entry = { at: "2026-11-22T12:00:00Z", turnId: null, calls: [], results: [] };
  assert.equal(
    formatTranscript(id, {
      items: [
        { ...entry, id: 2, role: "assistant", text: "hi\nthere", author: null },
        { ...entry, id: 1, role: "user", text: "hello", author: "Bo" },
      ],
    }, ink),
    `2026-11-22 12:00 UTC  user Bo
  hello

2026-11-22 12:00 UTC  assistant
  hi
  there
`,
  );
});

Deno.test("people are shown with what they call themselves, harmless to the terminal", () => {
  assert.equal(formatPairings([], nowMs, ink), "Nobody has asked to be let in.\n");
  const person = {
    id: 3,
    agent: "ana",
    plugin: "telegram",
    instance: "sales",
    sender: "42",
    name: "E\u001b[2Jva\n",
    state: "pending",
    code: "K7WNP3QD",
    askedAt: "2026-11-22T14:58:00Z",
    expiresAt: "2026-11-22T15:58:00Z",
    decidedAt: null,
    decidedBy: null,
  } as const;
  const table = formatPairings([person], nowMs, ink);
  assert.match(table, /3 +pending +K7WNP3QD +telegram\.sales +ana +42 +E␛\[2Jva +2 min ago +-/);
  assert.equal(sayPerson(person), "telegram.sales 42 (E␛[2Jva)");
});
