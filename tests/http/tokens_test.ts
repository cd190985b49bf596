import assert from "node:assert/strict";
import { refusalSchema } from "../../src/http/refusal_api.ts";
import {
  loginsAnswerSchema,
  loginsEndedSchema,
  rootRotatedSchema,
  tokenCreatedSchema,
} from "../../src/http/tokens_api.ts";
import { type HttpFixture, logIn, openHttpFixture, token } from "./http_fixture.ts";

const eva = { name: "eva", role: "operator", expiresInMs: 86_400_000 } as const;

/** What a browser with this cookie sends from the console's own page. */
function page(http: HttpFixture, cookie: string): Record<string, string> {
  return { cookie, origin: http.room.addresses.admin.origin, "x-nexo-csrf": "1" };
}

function post(http: HttpFixture, path: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  return http.admin(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function reasonOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  if (response.ok) return String(await response.body?.cancel() ?? "taken");
  return refusalSchema.parse(await response.json()).error.reason;
}

Deno.test("a token is made with the token entered once more, and shown in that answer alone", async () => {
  await using http = await openHttpFixture();
  const viewer = http.tokens.add("vera", "viewer");
  const browser = page(http, await logIn(http));
  assert.equal(await reasonOf(post(http, "/api/tokens", eva, browser)), "token_again");
  assert.equal(await reasonOf(post(http, "/api/tokens", { ...eva, token: "wrong" }, browser)), "token_again");
  assert.equal(await reasonOf(post(http, "/api/tokens", { ...eva, token: viewer }, browser)), "token_again");
  assert.equal(await reasonOf(post(http, "/api/tokens", eva, { authorization: `Bearer ${token}` })), "token_again");
  const made = tokenCreatedSchema.parse(await (await post(http, "/api/tokens", { ...eva, token }, browser)).json());
  assert.deepEqual([made.name, made.role, made.createdBy], ["eva", "operator", "root"]);
  assert.match(made.text, /^nexo_/);
  const list = await (await http.admin("/api/tokens")).text();
  assert.ok(list.includes("eva") && !list.includes(made.text));
  for (
    const [name, bad] of [["expiresInMs", 1], ["expiresInMs", 1e15], ["role", "admin"], ["name", "a b"], ["name", ""]]
  ) {
    assert.equal(
      await reasonOf(post(http, "/api/tokens", { ...eva, token, [String(name)]: bad }, browser)),
      "bad_request",
    );
  }
});

Deno.test("a revoked or expired token ends its sessions, links and streams at once", async () => {
  await using http = await openHttpFixture();
  for (const end of ["revoke", "expire"] as const) {
    const text = http.tokens.add(end, "viewer");
    const cookie = await logIn(http, text);
    const bearer = { authorization: `Bearer ${text}` };
    const streams = await Promise.all([{ cookie }, bearer].map((headers) => http.admin("/api/live", { headers })));
    const { id } = http.tokens.find(text) ?? assert.fail();
    if (end === "revoke") assert.equal(await reasonOf(http.post(`/api/tokens/${id}/revoke`, {})), "taken");
    else {
      http.tokens.endAs(end, "expired");
      await http.clock.advance(1_000);
    }
    // Each stream comes to its end by itself.
    for (const stream of streams) assert.ok((await stream.text()).startsWith("event: status"));
    assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie } })), "no_session");
    assert.equal(await reasonOf(http.admin("/api/status", { headers: bearer })), `token_${end}d`);
  }
});

Deno.test("a new root token ends all that the old one opened, and only its holder may make it", async () => {
  await using http = await openHttpFixture();
  const olga = http.tokens.add("olga", "operator");
  const cookie = await logIn(http);
  const link = http.room.newLoginLink();
  const kept = await logIn(http, olga);
  assert.equal(await reasonOf(post(http, "/api/tokens/root/rotate", { token: olga }, page(http, kept))), "not_root");
  assert.equal(await reasonOf(post(http, "/api/tokens/root/rotate", {}, page(http, cookie))), "token_again");
  const stream = await http.admin("/api/live", { headers: { cookie } });
  const rotated = await post(http, "/api/tokens/root/rotate", { token }, page(http, cookie));
  const { text } = rootRotatedSchema.parse(await rotated.json());
  await stream.text();
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie } })), "no_session");
  assert.equal(await reasonOf(http.admin("/api/status")), "wrong_token");
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { authorization: `Bearer ${text}` } })), "taken");
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie: kept } })), "taken");
  const late = await fetch(link, { redirect: "manual" });
  await late.body?.cancel();
  assert.equal(late.headers.get("location"), "/login#used");
});

Deno.test("browsers that are logged in are listed, and log out everywhere", async () => {
  await using http = await openHttpFixture();
  const first = await logIn(http);
  const second = await logIn(http, http.tokens.add("olga", "operator"));
  const list = async () =>
    loginsAnswerSchema.parse(await (await http.admin("/api/logins", { headers: { cookie: second } })).json());
  const { items } = await list();
  assert.deepEqual(items.map(({ name, role, current }) => [name, role, current]), [
    ["olga", "operator", true],
    ["root", "operator", false],
  ]);
  const end = async (body: unknown) =>
    loginsEndedSchema.parse(await (await post(http, "/api/logins/end", body, page(http, second))).json()).count;
  assert.equal(await end({ id: items[1]?.id }), 1);
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie: first } })), "no_session");
  assert.equal(await end({}), 1);
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie: second } })), "no_session");
});

Deno.test("whoever logs in often ends their own sessions and nobody else's", async () => {
  await using http = await openHttpFixture();
  const operator = await logIn(http);
  const viewer = http.tokens.add("vera", "viewer");
  const first = await logIn(http, viewer);
  for (let round = 0; round < 20; round++) await logIn(http, viewer);
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie: first } })), "no_session");
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie: operator } })), "taken");
});

Deno.test("a session that somebody else has planted is nobody's after the login", async () => {
  await using http = await openHttpFixture();
  const planted = await logIn(http, http.tokens.add("mallory", "viewer"));
  const login = await http.admin("/api/login", {
    method: "POST",
    headers: { cookie: planted },
    body: JSON.stringify({ token }),
  });
  await login.body?.cancel();
  const own = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  assert.notEqual(own, planted);
  assert.equal(await reasonOf(http.admin("/api/status", { headers: { cookie: planted } })), "no_session");
  const name = own.split("=")[0];
  assert.equal(
    await reasonOf(http.admin("/api/status", { headers: { cookie: `${name}=chosen-by-me` } })),
    "no_session",
  );
});

Deno.test("the cookie is for TLS alone where the browser came by TLS", async () => {
  await using http = await openHttpFixture({ http: { allowed_hosts: ["nexo.example"] } });
  const cookieOf = async (headers: Record<string, string>) => {
    const response = await post(http, "/api/login", { token }, headers);
    await response.body?.cancel();
    return response.headers.get("set-cookie") ?? "";
  };
  assert.match(await cookieOf({ "x-forwarded-proto": "https" }), /; HttpOnly; Secure; SameSite=Strict$/);
  assert.doesNotMatch(await cookieOf({}), /Secure/);
});

Deno.test("the audit names a token by its name, and the root token by its door", async () => {
  const notes: { readonly actor: string; readonly action: string }[] = [];
  await using http = await openHttpFixture({
    audit: { list: () => Promise.resolve([]), note: (entry) => Promise.resolve(void notes.push(entry)) },
  });
  const olga = http.tokens.add("olga", "operator");
  const disable = async (headers: Record<string, string>) => {
    await (await post(http, "/api/extensions/weather/disable", {}, headers)).body?.cancel();
  };
  await disable({ authorization: `Bearer ${olga}` });
  await disable({ authorization: `Bearer ${olga}`, "user-agent": "nexo-cli" });
  await disable(page(http, await logIn(http, olga)));
  await disable({ authorization: `Bearer ${token}` });
  await disable({ authorization: `Bearer ${token}`, "user-agent": "nexo-cli" });
  await disable(page(http, await logIn(http)));
  const actors = notes.filter(({ action }) => action === "extension.disabled").map(({ actor }) => actor);
  assert.deepEqual(actors, ["olga", "olga", "olga", "api", "cli", "root"]);
});
