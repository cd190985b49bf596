import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import type { PairingView } from "../../src/http/people_api.ts";
import { openHttpFixture, token } from "./http_fixture.ts";

const eva: PairingView = {
  id: 3,
  agent: "ana",
  plugin: "telegram",
  instance: "sales",
  sender: "42",
  name: "Eva",
  state: "pending",
  code: "K7WNP3QD",
  askedAt: "2026-01-01T00:00:00.000Z",
  expiresAt: "2026-01-01T01:00:00.000Z",
  decidedAt: null,
  decidedBy: null,
};

/** A listener whose decisions are recorded. */
async function open(decide?: () => Promise<PairingView>) {
  const calls: unknown[][] = [];
  const http = await openHttpFixture({
    pairings: {
      list(filter) {
        calls.push(["list", filter]);
        return Promise.resolve([eva, { ...eva, id: 2 }, { ...eva, id: 1 }].slice(0, filter.limit));
      },
      decide(...call) {
        calls.push(call);
        return decide?.() ?? Promise.resolve({ ...eva, state: "approved", code: null });
      },
    },
    audit: {
      list(page) {
        calls.push(["audit", page]);
        return Promise.resolve([{ id: 1, at: eva.askedAt, actor: "cli", action: "x", agent: null, target: "y" }]);
      },
      note(entry) {
        calls.push(["note", entry]);
        return Promise.resolve();
      },
    },
  });
  return { http, calls };
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}

Deno.test("those who asked are listed a page at a time", async () => {
  const { http, calls } = await open();
  await using _http = http;
  const page = await (await http.admin("/api/pairings?state=pending&limit=2")).json();
  assert.deepEqual(page, { items: [eva, { ...eva, id: 2 }], next: 2 });
  assert.deepEqual(calls, [["list", { state: "pending", limit: 3 }]]);
  assert.equal(await statusOf(http.admin("/api/pairings?state=odd")), 400);
});

Deno.test("a decision is taken by code or number, and says who took it", async () => {
  const { http, calls } = await open();
  await using _http = http;
  const approved = await (await http.post("/api/pairings/approve", { code: " K7WNP3QD " })).json();
  assert.equal(approved.state, "approved");
  await statusOf(http.post("/api/pairings/deny", { id: 3 }, { "user-agent": "nexo-cli" }));
  const login = await http.post("/api/login", { token });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  const { origin } = http.room.addresses.admin;
  const ask = (headers: Record<string, string>) =>
    http.admin("/api/pairings/revoke", { method: "POST", body: '{"id": 3}', headers: { cookie, ...headers } });
  assert.equal(await statusOf(ask({})), 403);
  assert.equal(await statusOf(ask({ origin, "x-nexo-csrf": "1" })), 200);
  assert.deepEqual(calls, [
    ["approve", { code: "K7WNP3QD" }, "api"],
    ["deny", { id: 3 }, "cli"],
    ["note", { actor: "root", action: "console.logged_in", target: "by token" }],
    ["revoke", { id: 3 }, "root"],
  ]);
});

Deno.test("nobody decides without the token, and nothing is decided by a body that says too little or too much", async () => {
  const { http, calls } = await open();
  await using _http = http;
  const bare = http.admin("/api/pairings/approve", { method: "POST", body: '{"id": 3}', headers: {} });
  assert.equal(await statusOf(bare), 401);
  const bodies = [{}, { code: "" }, { id: 0 }, { id: "3" }, { id: 3, code: "K7WNP3QD" }, { code: "x".repeat(101) }];
  for (const body of bodies) assert.equal(await statusOf(http.post("/api/pairings/approve", body)), 400);
  // Whoever was let in has no code any more.
  assert.equal(await statusOf(http.post("/api/pairings/revoke", { code: "K7WNP3QD" })), 400);
  assert.deepEqual(calls, []);
});

Deno.test("too many wrong codes are 429 with the time to wait", async () => {
  const { http } = await open(() =>
    Promise.reject(new AppError("denied", "Too many", { reason: "too_many_codes", retryAfterMs: 30_000 }))
  );
  await using _http = http;
  const refused = await http.post("/api/pairings/approve", { code: "WRONG" });
  await refused.body?.cancel();
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "30"]);
});

Deno.test("the audit is listed a page at a time", async () => {
  const { http, calls } = await open();
  await using _http = http;
  const { items } = await (await http.admin("/api/audit?before=9&limit=5")).json();
  assert.equal(items[0].action, "x");
  assert.deepEqual(calls, [["audit", { before: 9, limit: 6 }]]);
});
