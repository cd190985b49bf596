import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { chatEventSchema } from "../../src/http/chat_api.ts";
import { deadLettersAnswerSchema } from "../../src/http/dead_letters_api.ts";
import { refusalSchema } from "../../src/http/refusal_api.ts";
import { statusSchema } from "../../src/http/status_api.ts";
import { calls } from "../../src/core/topics.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { type HttpFixture, logIn, openHttpFixture, readEvents, token } from "./http_fixture.ts";

Deno.test("without the token, or with another, nothing is shown", async () => {
  await using http = await openHttpFixture();
  for (const path of ["/api/status", "/api/sessions", "/api/dead-letters", "/v1/models"]) {
    for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: `Basic ${token}` }]) {
      const response = await http.admin(path, { headers });
      const text = await response.text();
      assert.equal(response.status, 401, path);
      assert.ok(response.headers.get("www-authenticate")?.startsWith("Bearer"));
      assert.ok(!text.includes(token));
    }
  }
  assert.equal(http.metrics.valueOf("nexo_refusals_total", { part: "http", reason: "no_token" }), 4);
  assert.equal(http.metrics.valueOf("nexo_refusals_total", { part: "http", reason: "wrong_token" }), 8);
});

Deno.test("the console's cookie does not open the door for programs", async () => {
  await using http = await openHttpFixture();
  const cookie = await logIn(http);
  assert.equal((await refused(http.admin("/v1/models", { headers: { cookie } }))).reason, "invalid_api_key");
});

Deno.test("a foreign host name is refused, whatever address it resolves to", async () => {
  await using http = await openHttpFixture({ http: { allowed_hosts: ["nexo.example"] } });
  const port = http.room.addresses.admin.port;
  for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "localhost.evil.example", ""]) {
    const answer = await rawGet(http, "/api/status", host);
    assert.match(answer, /^HTTP\/1.1 40[03] /, host);
    if (host !== "") assert.match(answer, /"reason":"foreign_host"/);
  }
  for (const host of ["localhost", `LOCALHOST:${port}`, "127.0.0.1", `[::1]:${port}`, "nexo.example"]) {
    assert.match(await rawGet(http, "/api/status", host), /^HTTP\/1.1 200 /, host);
  }
});

Deno.test("a foreign origin is refused even with the token", async () => {
  await using http = await openHttpFixture();
  const own = http.room.addresses.admin.origin;
  for (const origin of ["https://evil.example", "null", `${own}.evil.example`, "http://127.0.0.1:1"]) {
    const answer = http.admin("/api/status", { headers: { authorization: `Bearer ${token}`, origin } });
    assert.equal((await refused(answer)).reason, "foreign_origin");
  }
});

Deno.test("a change with a cookie needs the console's own page", async () => {
  await using http = await openHttpFixture();
  const cookie = await logIn(http);
  const { origin } = http.room.addresses.admin;
  const purge = (headers: Record<string, string>) =>
    http.admin("/api/dead-letters/purge", {
      method: "POST",
      headers: { cookie, ...headers },
      body: JSON.stringify({ ids: [1] }),
    });
  assert.equal((await refused(purge({}))).reason, "csrf");
  assert.equal((await refused(purge({ origin }))).reason, "csrf");
  assert.equal((await refused(purge({ "x-nexo-csrf": "1" }))).reason, "csrf");
  const taken = await purge({ origin, "x-nexo-csrf": "1" });
  assert.equal(taken.status, 200);
  await taken.body?.cancel();
});

Deno.test("a session opens the console until it logs out or twelve hours have passed", async () => {
  const { now, wait } = newFakeClock();
  let monotonicMs = 0;
  await using http = await openHttpFixture({ clock: { now, wait, monotonic: () => monotonicMs } });
  const status = async (cookie: string) => {
    const response = await http.admin("/api/status", { headers: { cookie } });
    await response.body?.cancel();
    return response.status;
  };
  const first = await logIn(http);
  assert.equal(await status(first), 200);
  const headers = { cookie: first, origin: http.room.addresses.admin.origin, "x-nexo-csrf": "1" };
  await (await http.admin("/api/logout", { method: "POST", headers })).body?.cancel();
  assert.equal(await status(first), 401);

  const second = await logIn(http);
  monotonicMs = 12 * 3_600_000;
  assert.equal(await status(second), 401);
});

Deno.test("a login link works once, and not after 15 minutes", async () => {
  await using http = await openHttpFixture();
  const open = async (link: string) => {
    const response = await fetch(link, { redirect: "manual" });
    await response.body?.cancel();
    return {
      status: response.status,
      to: response.headers.get("location"),
      cookie: response.headers.get("set-cookie"),
    };
  };
  const link = http.room.newLoginLink();
  assert.ok(!link.includes(token));
  await (await fetch(link, { method: "HEAD", redirect: "manual" })).body?.cancel();
  const first = await open(link);
  assert.equal(first.status, 303);
  assert.equal(first.to, "/");
  assert.match(first.cookie ?? "", /^nexo_session_\d+=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.deepEqual(await open(link), { status: 303, to: "/login#used", cookie: null });

  const late = http.room.newLoginLink();
  await http.clock.advance(15 * 60_000);
  assert.equal((await open(late)).to, "/login#used");
});

Deno.test("the token is in no answer and no log", async () => {
  await using http = await openHttpFixture();
  await logIn(http);
  const bodies = await Promise.all(
    ["/api/status", "/login", "/console/console.js", "/nowhere"].map(async (path) => (await http.admin(path)).text()),
  );
  await refused(http.post("/api/login", `{"token":"${token}`));
  for (const text of [...bodies, JSON.stringify(http.log.entries)]) assert.ok(!text.includes(token));
});

Deno.test("status says what runs", async () => {
  await using http = await openHttpFixture({
    status: () => [{ name: "ledger", state: "down", reason: "The disk is full", critical: true }],
  });
  const status = statusSchema.parse(await (await http.admin("/api/status")).json());
  assert.equal(status.ready, false);
  assert.equal(status.pid, Deno.pid);
  assert.equal(status.configGeneration, 1);
  assert.equal(status.agents[0]?.id, "ana");
});

Deno.test("a session's id travels percent-encoded, with its page", async () => {
  const asked: unknown[] = [];
  await using http = await openHttpFixture({
    history: {
      sessions: (filter) => {
        asked.push(filter);
        return Promise.resolve({ items: [], next: "c2" });
      },
      messages: (id, page) => {
        asked.push([id, page]);
        return Promise.resolve({ items: [] });
      },
      search: (search) => {
        asked.push(search);
        return Promise.resolve([]);
      },
      async *export(id, format) {
        asked.push([id, format]);
        if (id === "none") throw new AppError("missing", "There is no session none");
        yield "one\n";
        yield "two\n";
      },
      turn: () => Promise.resolve(undefined),
    },
  });
  const id = "ana/telegram/sales/-100%3A7";
  const sessions = await http.admin("/api/sessions?agent=ana&search=hello%20you&limit=2&before=c1");
  assert.deepEqual(await sessions.json(), { items: [], next: "c2" });
  await (await http.admin(`/api/sessions/${encodeURIComponent(id)}/messages?limit=5`)).body?.cancel();
  assert.deepEqual(await (await http.admin('/api/sessions/search?words=a%20"b')).json(), { items: [] });
  const exported = await http.admin(`/api/sessions/${encodeURIComponent(id)}/export?format=jsonl`);
  assert.equal(exported.headers.get("content-type"), "application/x-ndjson");
  assert.equal(await exported.text(), "one\ntwo\n");
  assert.equal((await refused(http.admin("/api/sessions/none/export"))).status, 404);
  assert.deepEqual(asked, [
    { agent: "ana", search: "hello you", limit: 2, before: "c1" },
    [id, { limit: 5 }],
    { words: 'a "b', limit: 50 },
    [id, "jsonl"],
    ["none", "md"],
  ]);
  assert.equal((await refused(http.admin("/api/sessions/x/export?format=pdf"))).reason, "bad_request");
  assert.equal((await refused(http.admin("/api/sessions?limit=1000"))).reason, "bad_request");
  assert.equal((await refused(http.admin("/api/turns/t9"))).reason, "unknown_turn");
});

Deno.test("dead letters are paged by id and acted on by selection", async () => {
  const letter = {
    hop: "turn",
    subject: "plugin.inbound.telegram.sales",
    eventId: "e",
    agent: "ana",
    sessionId: null,
    kind: "timeout",
    reason: null,
    message: "The turn took too long",
    attempts: 3,
    firstAt: "2026-01-01T00:00:00.000Z",
    at: "2026-01-01T00:00:00.000Z",
    replayedAt: null,
  };
  const acted: unknown[] = [];
  await using http = await openHttpFixture({
    deadLetters: {
      list: ({ before = 6, limit }) =>
        Promise.resolve([5, 4, 3, 2, 1].filter((id) => id < before).slice(0, limit).map((id) => ({ ...letter, id }))),
      show: (id) => Promise.resolve(id === 3 ? { ...letter, id, body: { text: "Hi" } } : undefined),
      replay: (selection, options) => {
        acted.push(["replay", selection, options]);
        return Promise.resolve(2);
      },
      replayEdited: (id, text, actor) => {
        acted.push(["edited", id, text, actor]);
        return Promise.resolve();
      },
      purge: (selection, options) => {
        acted.push(["purge", selection, options]);
        return Promise.resolve({ count: 5, ...(options.dryRun ? {} : { purge: 77 }) });
      },
      restore: (purge, actor) => {
        acted.push(["restored", purge, actor]);
        return Promise.resolve(5);
      },
    },
  });
  const page = deadLettersAnswerSchema.parse(await (await http.admin("/api/dead-letters?limit=2")).json());
  assert.deepEqual([page.items.map((item) => item.id), page.next], [[5, 4], 4]);
  const last = deadLettersAnswerSchema.parse(await (await http.admin("/api/dead-letters?before=3&limit=2")).json());
  assert.deepEqual([last.items.map((item) => item.id), last.next], [[2, 1], undefined]);
  assert.deepEqual((await (await http.admin("/api/dead-letters/3")).json()).body, { text: "Hi" });
  assert.equal((await refused(http.admin("/api/dead-letters/9"))).reason, "unknown_dead_letter");

  const replayed = await http.post("/api/dead-letters/replay", { ids: [5, 4] });
  assert.deepEqual(await replayed.json(), { count: 2, dryRun: false });
  const counted = await http.post("/api/dead-letters/purge", { filter: { hop: "turn" }, dryRun: true });
  assert.deepEqual(await counted.json(), { count: 5, dryRun: true });
  const purged = await http.post("/api/dead-letters/purge", { ids: [3] });
  assert.deepEqual(await purged.json(), { count: 5, dryRun: false, purge: 77 });
  const restored = await http.post("/api/dead-letters/restore", { purge: 77 });
  assert.deepEqual(await restored.json(), { count: 5 });
  assert.deepEqual(acted, [
    ["replay", { ids: [5, 4] }, { dryRun: false, actor: "api" }],
    ["purge", { filter: { hop: "turn" } }, { dryRun: true, actor: "api" }],
    ["purge", { ids: [3] }, { dryRun: false, actor: "api" }],
    ["restored", 77, "api"],
  ]);
  for (const body of [{}, { ids: [] }, { filter: { hopp: "turn" } }, { ids: [1], filter: {} }]) {
    assert.equal((await refused(http.post("/api/dead-letters/purge", body))).reason, "bad_request");
  }
});

Deno.test("a chat streams the turn and ends with the reply", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/api/chat", { agent: "ana", text: "Hi", conversation: "c1", key: "k1" });
  const inbound = await http.nextInbound();
  assert.deepEqual([inbound.plugin, inbound.instance, inbound.message.conversation], ["console", "ana", "c1"]);
  await http.run(inbound, ["Hel", "lo"]);
  const events = (await readEvents(await answer)).map((event) => chatEventSchema.parse(event));
  assert.deepEqual(events.map((event) => event.type), ["accepted", "started", "text", "text", "ended", "reply"]);
  assert.deepEqual(events.at(-1), { type: "reply", outcome: "answered", text: "Hello", turnId: "turn-1" });
});

Deno.test("a chat that failed says so in its reply", async () => {
  await using http = await openHttpFixture();
  const answer = http.post("/api/chat", { agent: "ana", text: "Hi" });
  const error = { kind: "unavailable", message: "The model does not answer" };
  await http.reply(await http.nextInbound(), { text: "Sorry", outcome: "failed", error });
  const events = (await readEvents(await answer)).map((event) => chatEventSchema.parse(event));
  assert.deepEqual(events.at(-1), { type: "reply", outcome: "failed", text: "Sorry", turnId: "turn-1", error });
});

Deno.test("a reply that nobody waits for is taken, twice too", async () => {
  await using http = await openHttpFixture();
  const send = () =>
    http.bus.request(calls.send("console", "kate"), {
      key: "k9",
      conversation: "c",
      sessionId: "s",
      turnId: "t",
      inReplyTo: ["m"],
      text: "Hello",
      outcome: "answered",
    }, { signal: new AbortController().signal });
  const receipt = { providerMessageIds: ["k9"] };
  assert.deepEqual([await send(), await send()], [receipt, receipt]);
});

Deno.test("every page is the console's own: strict policy, nothing inline", async () => {
  await using http = await openHttpFixture();
  const cookie = await logIn(http);
  for (const [path, headers] of [["/login", {}], ["/", { cookie }]] as const) {
    const response = await http.admin(path, { headers });
    const page = await response.text();
    assert.equal(response.status, 200, path);
    assert.match(response.headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self'; /);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.equal(response.headers.get("cross-origin-opener-policy"), "same-origin");
    assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)/i);
    for (const [, asset = ""] of page.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      const answer = await http.admin(asset, { headers: {} });
      await answer.body?.cancel();
      assert.equal(answer.status, 200, asset);
    }
  }
});

Deno.test("the console's sources make no markup of text", async () => {
  await using http = await openHttpFixture();
  const folder = new URL("../../console/", import.meta.url);
  for (const place of [folder, new URL("pages/", folder)]) {
    for await (const { name, isFile } of Deno.readDir(place)) {
      if (!isFile || !/\.tsx?$/.test(name)) continue;
      const script = await Deno.readTextFile(new URL(name, place));
      assert.doesNotMatch(
        script,
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/i,
        name,
      );
    }
  }
  assert.equal((await refused(http.admin("/console/toString"))).reason, "no_route");
});

Deno.test("GET /api/live tells how the process stands at once, and again only when that has changed", async () => {
  let depth = 0;
  const empty = { depth: 0, oldestSeconds: 0 };
  await using http = await openHttpFixture({
    queues: () => ({ inbox: { depth, oldestSeconds: 0 }, outbox: empty, spill: empty, dead: empty }),
  });
  const response = await http.admin("/api/live");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail();
  let seen = "";
  const depths = () => [...seen.matchAll(/"inbox":\{"depth":(\d+)/g)].map(([, found]) => found);
  const readUntil = async (count: number) => {
    while (depths().length < count) seen += (await reader.read()).value ?? assert.fail("the stream ended");
  };
  await readUntil(1);
  await http.clock.advance(5_000);
  depth = 3;
  await http.clock.advance(1_000);
  await readUntil(2);
  assert.deepEqual(depths(), ["0", "3"]);
  await reader.cancel();
});

Deno.test("without a session the console leads to its login", async () => {
  await using http = await openHttpFixture();
  const response = await http.admin("/", { headers: {} });
  await response.body?.cancel();
  assert.deepEqual([response.status, response.headers.get("location")], [303, "/login"]);
});

async function refused(answer: Promise<Response>) {
  const response = await answer;
  const body = await response.json();
  if ("code" in body.error) return { status: response.status, reason: body.error.code };
  const { error } = refusalSchema.parse(body);
  return { status: response.status, reason: error.reason };
}

/** fetch() does not let a caller choose the Host header, which is what an attacker does. */
async function rawGet(http: HttpFixture, path: string, host: string): Promise<string> {
  const { hostname, port } = http.room.addresses.admin;
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return await new Response(connection.readable).text();
}
