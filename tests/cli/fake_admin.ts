import type { ChatEvent } from "../../src/http/chat_api.ts";
import type { DeadLetterDetail } from "../../src/http/dead_letters_api.ts";
import type { LogEntryView } from "../../src/http/logs_api.ts";
import type { Status } from "../../src/http/status_api.ts";

/** A process as the command line sees it: an admin API with canned answers, and the data folder that names it. */
export interface FakeAdmin extends AsyncDisposable {
  readonly dataDir: string;
  /** `METHOD /path?query body` of every request with the right token. */
  readonly requests: readonly string[];
}

/** What {@linkcode openFakeAdmin} answers with. */
export interface FakeAdminOptions {
  readonly status?: Partial<Status>;
  /** Events of each chat. Absent: the request is refused. */
  readonly chat?: readonly ChatEvent[];
  /** Entries of each following of the log, which then ends; the last ones again and again. Absent: it is refused. */
  readonly logs?: readonly (readonly LogEntryView[])[];
  readonly letter?: DeadLetterDetail;
  /** Token that the process wants; the data folder always holds `right-token`. */
  readonly token?: string;
  /** Boot id that `run.json` names. */
  readonly bootId?: string;
}

/** How a healthy process stands. */
export const healthy: Status = {
  version: "0.1.0",
  pid: 4711,
  bootId: "boot-1",
  startedAt: "2026-11-22T12:00:00.000Z",
  ready: true,
  paused: false,
  subsystems: [{ name: "ledger", state: "ok", critical: true }],
  agents: [{ id: "ana", description: "", model: "anthropic/claude", tools: 3, hears: ["telegram.sales"] }],
  channels: [{ plugin: "telegram", instance: "sales", state: "up", identity: "@sales_bot", agents: ["ana"] }],
  models: [{ provider: "anthropic", model: "claude", configured: true }],
  queues: {
    inbox: { depth: 0, oldestSeconds: 0 },
    outbox: { depth: 2, oldestSeconds: 42 },
    spill: { depth: 0, oldestSeconds: 0 },
    dead: { depth: 1, oldestSeconds: 7_200 },
  },
  configGeneration: 1,
};

/** A dead letter. */
export const letter: DeadLetterDetail = {
  id: 12,
  hop: "outbound",
  subject: "plugin.outbound.telegram.sales",
  eventId: "event-1",
  agent: "ana",
  sessionId: "ana/telegram/sales/7",
  kind: "denied",
  reason: "blocked_by_user",
  message: "The bot was blocked",
  attempts: 1,
  firstAt: "2026-11-22T12:00:00.000Z",
  at: "2026-11-22T12:01:00.000Z",
  replayedAt: null,
  body: { text: "hi \u001b[2J" },
};

/** Opens a {@linkcode FakeAdmin}. */
export async function openFakeAdmin(options: FakeAdminOptions = {}): Promise<FakeAdmin> {
  const { token = "right-token", chat, logs, bootId = healthy.bootId } = options;
  let followed = 0;
  const requests: string[] = [];
  const status = { ...healthy, ...options.status };
  const { body: _, ...summary } = options.letter ?? letter;
  const session = {
    id: "ana/telegram/sales/7",
    agent: "ana",
    plugin: "telegram",
    instance: "sales",
    conversation: "7",
    thread: null,
    title: "hello",
    lastAt: "2026-11-22T12:00:00.000Z",
  };
  const message = {
    id: 3,
    at: session.lastAt,
    role: "user",
    text: "hello",
    author: "Bo",
    turnId: null,
    calls: [],
    results: [],
  };
  const answers: Readonly<Record<string, unknown>> = {
    "GET /api/status": status,
    "GET /api/dead-letters": { items: [summary] },
    "GET /api/dead-letters/12": options.letter ?? letter,
    "POST /api/dead-letters/replay": { count: 1, dryRun: false },
    "POST /api/dead-letters/purge": { count: 1, dryRun: false, purge: 1_795_377_600_000 },
    "POST /api/dead-letters/restore": { count: 1 },
    "GET /api/sessions": { items: [session] },
    [`GET /api/sessions/${encodeURIComponent(session.id)}/messages`]: { items: [message] },
  };
  const refuse = (status: number, kind: string, message: string, reason: string) =>
    Response.json({ error: { kind, message, reason } }, { status });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    if (request.headers.get("authorization") !== `Bearer ${token}`) {
      return refuse(401, "denied", "The token is not the one", "wrong_token");
    }
    requests.push(`${request.method} ${pathname}${search} ${text}`.trim());
    const route = `${request.method} ${pathname}`;
    if (route === "GET /api/logs" && logs !== undefined) {
      const events = (logs[followed++] ?? logs.at(-1) ?? []).map((entry) => `data: ${JSON.stringify(entry)}\n\n`);
      return new Response(events.join(""), { headers: { "content-type": "text/event-stream" } });
    }
    if (route === "POST /api/chat" && chat !== undefined) {
      const events = chat.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      return new Response(`: keep-alive\n\n${events.join("")}`, { headers: { "content-type": "text/event-stream" } });
    }
    const answer = answers[route];
    return answer === undefined
      ? refuse(404, "missing", `Nothing is at ${pathname}`, "no_route")
      : Response.json(answer);
  });
  const dataDir = await Deno.makeTempDir({ prefix: "cli-test-" });
  const admin = `http://127.0.0.1:${server.addr.port}/`;
  await Deno.writeTextFile(`${dataDir}/run.json`, JSON.stringify({ pid: status.pid, bootId, admin }));
  await Deno.writeTextFile(`${dataDir}/admin.token`, "right-token\n");
  return {
    dataDir,
    requests,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}
