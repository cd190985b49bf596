import assert from "node:assert/strict";
import { channelsAnswerSchema } from "../../src/http/channels_api.ts";
import { configSettingsAnswerSchema } from "../../src/http/config_api.ts";
import { deadLetterDetailSchema } from "../../src/http/dead_letters_api.ts";
import { findAnswerSchema } from "../../src/http/find_api.ts";
import { pairingsAnswerSchema } from "../../src/http/people_api.ts";
import { refusalSchema } from "../../src/http/refusal_api.ts";
import { statusSchema } from "../../src/http/status_api.ts";
import { meSchema } from "../../src/http/tokens_api.ts";
import { viewerRoutes } from "../../src/http/viewer_routes.ts";
import { type HttpFixture, logIn, openHttpFixture, token } from "./http_fixture.ts";

/** Open to everybody: how to log in, and what has a guard or a proof of its own. */
const publicRoutes = ["GET /", "GET /login", "GET /console/:file", "POST /api/login", "GET /mcp/login/:server"];
/** Answers programs with tokens of its own too. */
const mcpRoute = "ALL /mcp";

/** An address that the route answers. */
function toRequest(route: string): readonly [method: string, path: string] {
  const [method = "", path = ""] = route.split(" ");
  return [method === "ALL" ? "POST" : method, path.replace(/:\w+\{[^}]*\}/g, "1").replace(/:\w+/g, "1")];
}

async function ask(http: HttpFixture, route: string, headers: Record<string, string>) {
  const [method, path] = toRequest(route);
  const response = await http.admin(path, { method, headers, ...(method === "GET" ? {} : { body: "{}" }) });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const text = isStream ? "" : await response.text();
  if (isStream) await response.body?.cancel();
  return { status: response.status, text };
}

Deno.test("every route but those of the login wants a token, a new one too", async () => {
  await using http = await openHttpFixture();
  const routes = http.room.adminRoutes;
  assert.ok(routes.length > 50, "the routes were found");
  for (const route of routes) {
    if (publicRoutes.includes(route)) continue;
    const { status, text } = await ask(http, route, {});
    assert.equal(status, 401, `${route} is open to everybody: ${text}`);
  }
});

Deno.test("a viewer may ask what the table says, and nothing else, a new route neither", async () => {
  await using http = await openHttpFixture();
  const viewer = http.tokens.add("vera", "viewer");
  const bearer = { authorization: `Bearer ${viewer}` };
  const browser = { cookie: await logIn(http, viewer), origin: http.room.addresses.admin.origin, "x-nexo-csrf": "1" };
  const routes = http.room.adminRoutes;
  let refused = 0;
  for (const headers of [bearer, browser]) {
    for (const route of routes) {
      if (publicRoutes.includes(route) || viewerRoutes.includes(route)) continue;
      if (headers === browser && !route.includes("/api/")) continue;
      const { status, text } = await ask(http, route, headers);
      assert.equal(status, 403, `${route}: ${text}`);
      assert.match(text, /"viewer"/, route);
      refused++;
    }
    for (const route of viewerRoutes) {
      // Logging out comes last, and with a token there is nothing to end.
      if (route === "POST /api/logout" || (headers === browser && route.includes("/v1/"))) continue;
      const { status, text } = await ask(http, route, headers);
      assert.ok(status !== 401 && status !== 403 && status !== 500, `${route}: ${status} ${text}`);
    }
  }
  assert.equal(http.metrics.valueOf("nexo_refusals_total", { part: "http", reason: "viewer" }), refused);
  assert.equal((await ask(http, "POST /api/logout", browser)).status, 200);
});

Deno.test("the table of what viewers may ask names routes that are there, and nothing but reads and their own logout", async () => {
  await using http = await openHttpFixture();
  const routes = http.room.adminRoutes;
  for (const route of viewerRoutes) assert.ok(routes.includes(route), `${route} is not there`);
  assert.ok(routes.includes(mcpRoute) && publicRoutes.every((route) => routes.includes(route)));
  assert.deepEqual(viewerRoutes.filter((route) => !route.startsWith("GET ")), ["POST /api/logout"]);
});

Deno.test("a viewer is refused what nothing answers, and under every other spelling of a path", async () => {
  await using http = await openHttpFixture();
  const authorization = `Bearer ${http.tokens.add("vera", "viewer")}`;
  const paths = [
    "/api/nowhere",
    "/api/%63hat",
    "/api/chat/",
    "/api//chat",
    "/api/./chat",
    "/api/me/../chat",
    "/api/CHAT",
  ];
  for (const path of paths) {
    const response = await http.admin(path, { method: "POST", headers: { authorization }, body: "{}" });
    const { error } = refusalSchema.parse(await response.json());
    assert.ok(["viewer", "no_route"].includes(error.reason), `${path}: ${error.reason}`);
  }
  assert.equal(http.bus.published.length, 0);
});

Deno.test("what lets one act is not shown to a viewer", async () => {
  const waiting = {
    id: 1,
    agent: "ana",
    plugin: "telegram",
    instance: "sales",
    sender: "7",
    name: "Eva",
    state: "pending",
    code: "K7WNP3QD",
    askedAt: "2026-01-01T00:00:00.000Z",
    expiresAt: "2026-01-01T01:00:00.000Z",
    decidedAt: null,
    decidedBy: null,
  } as const;
  const letter = {
    hop: "outbound",
    subject: "plugin.outbound.telegram.sales",
    eventId: "e",
    agent: "ana",
    sessionId: null,
    kind: "denied",
    reason: "blocked_by_user",
    message: "The bot was blocked",
    attempts: 1,
    firstAt: waiting.askedAt,
    at: waiting.askedAt,
    replayedAt: null,
    body: { text: "Your code: K7WNP3QD", sizes: [1, null] },
  };
  const code = {
    by: "sent",
    at: waiting.askedAt,
    state: "sent",
    channel: "telegram.sales",
    text: "Give the code K7WNP3QD to",
    turnId: null,
    sessionId: null,
    deadLetterId: null,
  } as const;
  const secret = "sk-of-a-file";
  const setting = { path: "agents.ana.description", type: "text" };
  const pairing = { qr: "2@link-this-account", expiresAt: "2026-01-01T00:01:00.000Z" };
  await using http = await openHttpFixture({
    channels: () => [{ plugin: "whatsapp", instance: "sales", state: "starting", pairing, agents: ["ana"] }],
    pairings: { list: () => Promise.resolve([waiting]), decide: () => Promise.resolve(waiting) },
    find: () => Promise.resolve([code, { ...code, turnId: "turn-1", text: "Hello" }]),
    explain: () => [
      { ...setting, value: secret, origin: "config/agents.yaml:1 (file ./secrets/key)" },
      { ...setting, value: "https://a.example/v1?key=sk-1", origin: "config/agents.yaml:1" },
    ],
    deadLetters: {
      list: () => Promise.resolve([]),
      show: (id) => Promise.resolve({ ...letter, id }),
      replay: () => Promise.resolve(0),
      replayEdited: () => Promise.resolve(),
      purge: () => Promise.resolve({ count: 0 }),
      restore: () => Promise.resolve(0),
    },
  });
  const viewer = { authorization: `Bearer ${http.tokens.add("vera", "viewer")}` };
  const operator = { authorization: `Bearer ${http.tokens.add("olga", "operator")}` };
  const read = async (path: string, headers: Record<string, string>) =>
    await (await http.admin(path, { headers })).json();

  for (const headers of [viewer, operator, { authorization: `Bearer ${token}` }]) {
    const sees = headers !== viewer;
    const { channels } = channelsAnswerSchema.parse(await read("/api/channels", headers));
    const status = statusSchema.parse(await read("/api/status", headers));
    const { items } = pairingsAnswerSchema.parse(await read("/api/pairings", headers));
    assert.deepEqual(
      [channels[0]?.pairing, status.channels[0]?.pairing],
      sees ? [pairing, pairing] : [undefined, undefined],
    );
    assert.equal(items[0]?.code, sees ? "K7WNP3QD" : null);
    const { body } = deadLetterDetailSchema.parse(await read("/api/dead-letters/7", headers));
    assert.deepEqual(body, { text: `Your code: ${sees ? "K7WNP3QD" : "[code]"}`, sizes: [1, null] });
    const found = findAnswerSchema.parse(await read("/api/find?q=7", headers));
    assert.deepEqual(found.items.map(({ text }) => text), [sees ? code.text : "", "Hello"]);
    const settings = configSettingsAnswerSchema.parse(await read("/api/config/explain", headers));
    assert.deepEqual(settings.items.map(({ value }) => value), [
      sees ? secret : "[from elsewhere]",
      `https://a.example/v1?key=${sees ? "sk-1" : "[redacted]"}`,
    ]);
    const live = await http.admin("/api/live", { headers });
    const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail();
    const { value = "" } = await reader.read();
    assert.equal(value.includes("2@link-this-account"), sees);
    await reader.cancel();
    const picture = await http.admin("/api/channels/whatsapp/sales/qr.svg", { headers });
    await picture.body?.cancel();
    assert.equal(picture.status, sees ? 200 : 403);
  }
});

Deno.test("everybody is told who they are", async () => {
  await using http = await openHttpFixture();
  const viewer = http.tokens.add("vera", "viewer");
  const me = async (headers: Record<string, string>) =>
    meSchema.parse(await (await http.admin("/api/me", { headers })).json());
  const expiresAt = "2026-02-01T00:00:00.000Z";
  assert.deepEqual(await me({ authorization: `Bearer ${token}` }), { name: "root", role: "operator" });
  assert.deepEqual(await me({ authorization: `Bearer ${viewer}` }), { name: "vera", role: "viewer", expiresAt });
  assert.deepEqual(await me({ cookie: await logIn(http, viewer) }), { name: "vera", role: "viewer", expiresAt });
});
