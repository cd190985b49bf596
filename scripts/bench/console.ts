import { DatabaseSync } from "node:sqlite";
import { openBrowser } from "../../tests/fixtures/browser.ts";
import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { percentile } from "../../tests/fixtures/load.ts";
import { type NexoProcess, openTempDir } from "../../tests/fixtures/nexo_process.ts";
import type { Figure } from "./figure.ts";
import { readProcessUse } from "./proc.ts";
import { openBenchRuntime } from "./runtime.ts";

const [messages, sessions, letters] = [1_000_000, 1_000, 10_000];
const rounds = 20;
const watchMs = 30_000;

/** Lists as the console asks for them, with what must come at least. `SESSION` is one of a thousand. */
const lists = [
  { path: "/api/status" },
  { path: "/api/sessions", items: 50 },
  { path: "/api/sessions?search=word4711", items: 50 },
  { path: "/api/sessions/search?words=word4711", items: 50 },
  { path: "/api/sessions?search=once", items: 50 },
  { path: "/api/sessions/SESSION/messages", items: 50 },
  { path: "/api/dead-letters", items: 50 },
  { path: "/api/activity" },
  { path: "/api/usage" },
  { path: "/api/tools" },
  { path: "/api/pairings" },
  { path: "/api/audit" },
  { path: "/api/bus" },
  { path: "/api/find?q=word4711", items: 20 },
  { path: "/api/find?q=once", items: 20 },
  { path: "/api/find?q=019aa5c0-0000-7000-8000-000000000000", items: 0 },
  { path: "/api/dead-letters?subject=plugin.%3E&cause=invalid&olderThanMs=0", items: 50 },
] as const;

const assets = ["/", "/console/main.js", "/console/console.css", "/console/icon.svg"] as const;

/** The console over a ledger of 1,000,000 messages, 1,000 sessions and 10,000 dead letters. */
export async function measureConsole(model: FakeModel): Promise<readonly Figure[]> {
  await using data = await openTempDir();
  {
    await using _made = await openBenchRuntime({ modelUrl: model.baseUrl, dataDir: data.path });
  }
  fill(`${data.path}/ledger.db`);
  await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl, dataDir: data.path });
  return [...await measureLists(runtime), await measureFirstLoad(runtime), ...await measureBrowser(runtime)];
}

function fill(path: string): void {
  const ledger = new DatabaseSync(path);
  try {
    const text = "'word' || (n % 9973) || ' said once more'";
    const numbers = (count: number) =>
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT ${count})`;
    const now = Date.now();
    ledger.exec(`PRAGMA synchronous = OFF; BEGIN;
      ${numbers(sessions)} INSERT INTO sessions
        (id, agent, plugin, instance, conversation, title, created_at, last_at)
        SELECT 'ana/telegram/main/' || n, 'ana', 'telegram', 'main', n, 'Question ' || n, ${now}, ${now} - n FROM numbers;
      ${numbers(messages)} INSERT INTO messages (agent, session_id, epoch, role, body, at)
        SELECT 'ana', 'ana/telegram/main/' || (n % ${sessions} + 1), 1, iif(n % 2, 'user', 'assistant'),
          iif(n % 2, json_object('role', 'user', 'text', ${text}),
            json_object('role', 'assistant', 'text', ${text}, 'toolCalls', json_array())), ${now} - ${messages} + n FROM numbers;
      ${numbers(letters)} INSERT INTO dead
        (hop, subject, event_id, agent, kind, message, attempts, body, first_at, at)
        SELECT 'turn', 'plugin.inbound.telegram.main', 'event-' || n, 'ana', 'invalid', 'refused', 1, '{}',
          ${now}, ${now} FROM numbers;
      COMMIT;`);
  } finally {
    ledger.close();
  }
}

async function measureLists(runtime: NexoProcess): Promise<readonly Figure[]> {
  const headers = { authorization: `Bearer ${runtime.token}` };
  const figures: Figure[] = [];
  for (const { path, ...expected } of lists) {
    const url = `${runtime.admin}${path.replace("SESSION", encodeURIComponent("ana/telegram/main/500"))}`;
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const beganAt = performance.now();
      const response = await fetch(url, { headers });
      const answer: { items?: unknown[] } = await response.json();
      tookMs.push(performance.now() - beganAt);
      if (!response.ok || ("items" in expected && answer.items?.length !== expected.items)) {
        throw new Error(`${path} answered ${response.status} ${JSON.stringify(answer).slice(0, 500)}`);
      }
    }
    figures.push({
      part: "console",
      name: `GET ${path}, slowest of ${rounds}`,
      value: percentile(tookMs, 1),
      unit: "ms",
      target: { atMost: 100 },
    });
  }
  return figures;
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

async function measureBrowser(runtime: NexoProcess): Promise<readonly Figure[]> {
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
  const before = await readProcessUse(runtime.pid);
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  const after = await readProcessUse(runtime.pid);
  return [
    {
      part: "console",
      name: "sessions shown after a load, p50",
      value: percentile(interactiveMs, 0.5),
      unit: "ms",
      target: { atMost: 500 },
    },
    {
      part: "console",
      name: "overview open, share of a core",
      value: 100 * (after.cpuMs - before.cpuMs) / watchMs,
      unit: "%",
      target: { atMost: 2 },
    },
  ];
}
