import { DatabaseSync } from "node:sqlite";
import { openBrowser } from "../../tests/fixtures/browser.ts";
import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { percentile } from "../../tests/fixtures/load.ts";
import { type NexoProcess, openTempDir } from "../../tests/fixtures/nexo_process.ts";
import type { Figure } from "./figure.ts";
import { readProcessUse } from "./proc.ts";
import { openBenchRuntime } from "./runtime.ts";

const [messages, sessions, letters, turns] = [1_000_000, 1_000, 10_000, 100_000];
/** Calls of each page after the first one. */
const rounds = 5;
const watchMs = 20_000;
const pageMs = 100;

const turnId = "019aa5c0-0000-7000-8000-000000050000";
const session = encodeURIComponent("ana/telegram/main/1");

/** What the console and the command line ask for, with how many items must come at least. */
const pages: Readonly<Record<string, number>> = {
  "/api/status": 0,
  "/api/agents": 0,
  "/api/channels": 0,
  "/api/activity": 0,
  "/api/series?minutes=1440": 0,
  "/api/usage": 6_000,
  "/api/tools": 1,
  "/api/bus": 0,
  "/api/extensions": 0,
  "/api/mcp/servers": 0,
  "/api/tokens": 0,
  "/api/logs?limit=2000": 0,
  "/api/config/files": 0,
  "/api/config/explain": 0,
  "/api/agents/ana/policy": 0,
  "/api/agents/ana/workspace/files": 0,
  "/api/audit": 50,
  "/api/audit?before=60": 50,
  "/api/pairings": 50,
  "/api/pairings?state=approved": 20,
  "/api/pairings?state=expired": 0,
  "/api/sessions": 50,
  "/api/sessions?agent=ana&channel=telegram.main&limit=200": 200,
  "/api/sessions?person=11": 1,
  "/api/sessions?before=1:x": 0,
  "/api/sessions?search=word4711": 50,
  "/api/sessions?search=once": 50,
  "/api/sessions/search?words=word4711": 50,
  "/api/sessions/search?words=once": 50,
  "/api/sessions/search?words=said+once+more&agent=ana": 50,
  [`/api/sessions/${session}/messages`]: 50,
  [`/api/sessions/${session}/messages?before=100&limit=200`]: 50,
  [`/api/sessions/${session}/export`]: 0,
  [`/api/turns/${turnId}`]: 0,
  "/api/dead-letters": 50,
  "/api/dead-letters?limit=200": 200,
  "/api/dead-letters?subject=plugin.%3E&cause=invalid&olderThanMs=0": 50,
  "/api/dead-letters?hop=turn&subject=plugin.inbound.telegram.7": 1,
  "/api/dead-letters?subject=nothing": 0,
  "/api/dead-letters?before=60": 50,
  "/api/dead-letters/5000": 0,
  "/api/find?q=word4711": 20,
  "/api/find?q=once": 20,
  [`/api/find?q=${turnId}`]: 1,
  "/api/find?q=event-77": 1,
  "/api/find?q=4711": 0,
  "/api/find?q=019aa5c0-0000-7000-8000-999999999999": 0,
};

/** All that any page loads. */
const assets = [
  "/",
  "/console/main.js",
  "/console/console.css",
  "/console/icon.svg",
  "/console/plot.js",
  "/console/plot.css",
] as const;
/** Pages of the console that stay open at the same time. */
const tabs = ["overview", "bus", "sessions", "models", "logs"] as const;

/** The console over a ledger of 1,000,000 messages, half of them in one of 1,000 sessions, and 10,000 dead letters. */
export async function measureConsole(model: FakeModel): Promise<readonly Figure[]> {
  await using data = await openTempDir();
  {
    await using _made = await openBenchRuntime({ modelUrl: model.baseUrl, dataDir: data.path });
  }
  fill(`${data.path}/ledger.db`);
  await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl, dataDir: data.path });
  return [
    await measureFirstLoad(runtime),
    ...await measureBrowser(runtime, runtime.readyMs),
    ...await measurePages(runtime),
  ];
}

function fill(path: string): void {
  const ledger = new DatabaseSync(path);
  try {
    const text = "'word' || (n % 9973) || ' said once more'";
    const numbers = (count: number) =>
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ${count})`;
    const now = Date.now();
    const turn = "printf('019aa5c0-0000-7000-8000-%012d', n)";
    ledger.exec(`PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN;
      ${numbers(sessions)} INSERT INTO sessions
        (id, agent, plugin, instance, conversation, title, created_at, last_at)
        SELECT 'ana/telegram/main/' || n, 'ana', 'telegram', 'main', 'c' || n, 'Question ' || n, ${now}, ${now} - n
        FROM numbers;
      ${numbers(messages)} INSERT INTO messages (agent, session_id, epoch, role, body, at)
        SELECT 'ana', 'ana/telegram/main/' || iif(n % 2, 1, n % ${sessions} + 1), 1, iif(n % 2, 'user', 'assistant'),
          iif(n % 2, json_object('role', 'user', 'text', ${text}, 'people', json_array('telegram:' || (n % 1000))),
            json_object('role', 'assistant', 'text', ${text}, 'toolCalls', json_array())), ${now} - ${messages} + n
        FROM numbers;
      ${numbers(turns)} INSERT INTO turns
        (id, agent, session_id, state, boot_id, input, outcome, received_at, started_at, finished_at)
        SELECT ${turn}, 'ana', 'ana/telegram/main/1', 'done', 'b', json_object('role', 'user', 'text', ${text}),
          'answered', ${now}, ${now} - n * 30 - 900, ${now} - n * 30 FROM numbers;
      ${numbers(2 * turns)} INSERT INTO steps
        (turn_id, seq, kind, state, name, input, output, input_tokens, started_at, finished_at)
        SELECT printf('019aa5c0-0000-7000-8000-%012d', n / 2), n % 2, iif(n % 2, 'tool', 'model'), 'done', 'x' || (n % 9),
          '{}', json_object('text', hex(zeroblob(iif(n % 100, 100, 20000)))), 1, ${now} - 300, ${now} FROM numbers;
      ${numbers(letters)} INSERT INTO dead
        (hop, subject, event_id, agent, kind, message, attempts, body, first_at, at)
        SELECT iif(n % 2, 'turn', 'outbound'), 'plugin.inbound.telegram.' || (n % 700), 'event-' || n, 'ana',
          iif(n % 3, 'invalid', 'timeout'), 'refused', 1, json_object('text', hex(zeroblob(10000))), ${now} - n, ${now} - n
        FROM numbers;
      ${numbers(5_000)} INSERT INTO inbox (consumer, event_id, subject, event, received_at)
        SELECT 'elsewhere', 'waits-' || n, 's' || (n % 300), json_object('text', hex(zeroblob(5000))), ${now} FROM numbers;
      ${numbers(20_000)} INSERT INTO pairing
        (agent, plugin, instance, sender, name, state, expires_at, asked_at)
        SELECT 'ana', 'telegram', 'main', n, 'Eva', iif(n > 20, 'denied', 'approved'), ${now}, ${now} FROM numbers;
      ${numbers(200_000)} INSERT INTO audit (at, actor, action, target) SELECT ${now}, 'root', 'x', n FROM numbers;
      ${numbers(80_000)} INSERT INTO usage
        SELECT 'agent' || (n % 20), date('now', '-' || (n / 200) || ' days'), 'p', 'm' || (n / 20 % 10), 1, 1, 1, 0, 0, 0.5
        FROM numbers;
      COMMIT;`);
  } finally {
    ledger.close();
  }
}

/** The slowest page when it is asked for the first time and later, every one that is over the bound, and what others wait. */
async function measurePages(runtime: NexoProcess): Promise<readonly Figure[]> {
  const headers = { authorization: `Bearer ${runtime.token}` };
  const figure = (name: string, value: number, atMost: number): Figure => (
    { part: "console", name, value, unit: "ms", target: { atMost } }
  );
  const ask = async (path: string, items: number): Promise<number> => {
    const beganAt = performance.now();
    const response = await fetch(`${runtime.admin}${path}`, { headers });
    const text = await readPage(path, response);
    const tookMs = performance.now() - beganAt;
    const answer: { items?: unknown[] } = items === 0 ? {} : JSON.parse(text);
    if (!response.ok || (answer.items?.length ?? 0) < items) {
      throw new Error(`${path} answered ${response.status} ${text.slice(0, 500)}`);
    }
    return tookMs;
  };
  const first: [string, number][] = [];
  const later: [string, number][] = [];
  const lateMs: number[] = [];
  const asked = new AbortController();
  const probing = (async () => {
    while (!asked.signal.aborted) {
      const beganAt = performance.now();
      await (await fetch(`${runtime.health}/health`)).body?.cancel();
      lateMs.push(performance.now() - beganAt);
    }
  })();
  try {
    for (const [path, items] of Object.entries(pages)) first.push([path, await ask(path, items)]);
    for (const [path, items] of Object.entries(pages)) {
      const tookMs: number[] = [];
      for (let round = 0; round < rounds; round++) tookMs.push(await ask(path, items));
      later.push([path, percentile(tookMs, 0.5)]);
    }
  } finally {
    asked.abort();
    await probing;
  }
  const tell = (when: string, took: readonly [string, number][]): readonly Figure[] =>
    took.toSorted(([, one], [, other]) => other - one)
      .filter(([, tookMs], place) => place === 0 || tookMs > pageMs)
      .map(([path, tookMs], place) =>
        figure(`${place === 0 ? `slowest of ${took.length} pages` : "too slow"}, ${when}: ${path}`, tookMs, pageMs)
      );
  return [
    ...tell("asked first", first),
    ...tell("later", later),
    figure("others wait while pages are asked, p99", percentile(lateMs, 0.99), 50),
  ];
}

/** A transcript is read as it comes: that it comes at once is what counts. */
async function readPage(path: string, response: Response): Promise<string> {
  if (!path.endsWith("/export")) return await response.text();
  const reader = response.body?.getReader();
  const piece = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(piece?.value);
}

async function measureFirstLoad(runtime: NexoProcess): Promise<Figure> {
  let bytes = 0;
  for (const asset of assets) {
    const response = await fetch(`${runtime.admin}${asset}`, { headers: { authorization: `Bearer ${runtime.token}` } });
    if (response.body === null) throw new Error(`${asset} is empty`);
    bytes += (await new Response(response.body.pipeThrough(new CompressionStream("gzip"))).bytes()).length;
  }
  return { part: "console", name: "first load, gzipped", value: bytes / 1_000, unit: "KB", target: { atMost: 150 } };
}

async function measureBrowser(runtime: NexoProcess, readyMs: number): Promise<readonly Figure[]> {
  await using browser = await openBrowser();
  const { page } = await browser.newPage();
  await page.goto(runtime.admin);
  await page.locator("input[type=password]").fill(runtime.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".figures");
  const interactiveMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    const beganAt = performance.now();
    await page.goto(`${runtime.admin}/?${round}#/sessions`);
    await page.waitForSelector("a.row");
    interactiveMs.push(performance.now() - beganAt);
  }
  await page.goto(`${runtime.admin}/#/overview`);
  // A large file is read through after each start: that is not idle.
  await runtime.nextLog("ledger.checked");
  const oneTab = await shareOfCore(runtime.pid);
  for (const tab of tabs.slice(1)) await (await browser.newPage()).page.goto(`${runtime.admin}/#/${tab}`);
  const allTabs = await shareOfCore(runtime.pid);
  const figure = (name: string, value: number, unit: string, atMost: number): Figure => (
    { part: "console", name, value, unit, target: { atMost } }
  );
  return [
    figure("ready, warm, with this ledger", readyMs, "ms", 1_000),
    figure("interactive: sessions shown after a load, p50", percentile(interactiveMs, 0.5), "ms", 500),
    figure("idle with the overview open, share of a core", oneTab, "%", 2),
    figure(`idle with ${tabs.length} pages open, share of a core`, allTabs, "%", 2),
  ];
}

async function shareOfCore(pid: number): Promise<number> {
  const before = await readProcessUse(pid);
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  return 100 * ((await readProcessUse(pid)).cpuMs - before.cpuMs) / watchMs;
}
