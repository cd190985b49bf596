import assert from "node:assert/strict";
import { refusalSchema } from "../../src/http/refusal_api.ts";
import { type HttpFixture, logIn, openHttpFixture, token } from "./http_fixture.ts";

/** Each way in which a token can be guessed. */
const ways: Readonly<Record<string, (http: HttpFixture, guess: string) => Promise<Response>>> = {
  login: (http, guess) => http.post("/api/login", { token: guess }, { authorization: "" }),
  api: (http, guess) => http.admin("/api/status", { headers: { authorization: `Bearer ${guess}` } }),
  openai: (http, guess) => http.admin("/v1/models", { headers: { authorization: `Bearer ${guess}` } }),
  mcp: (http, guess) => http.post("/mcp", {}, { authorization: `Bearer ${guess}` }),
};

for (const [name, guess] of Object.entries(ways)) {
  Deno.test(`wrong tokens wait after ten within a minute, and the right one does not (${name})`, async () => {
    await using http = await openHttpFixture();
    for (let round = 0; round < 10; round++) assert.equal(await statusOf(guess(http, `wrong-${round}`)), 401);
    const standing = http.clock.waiting;
    const late = [guess(http, "wrong-10"), guess(http, "wrong-11"), guess(http, "wrong-12")];
    await http.clock.untilWaiting(standing + late.length);
    assert.ok(await statusOf(guess(http, token)) < 300, "the right token is taken at once");

    let answered = 0;
    for (const answer of late) answer.then(() => answered++);
    for (let second = 1; second <= late.length; second++) {
      await http.clock.advance(1_000);
      while (answered < second) await Promise.race(late.slice(answered));
    }
    for (const response of await Promise.all(late)) {
      assert.equal(response.status, 429);
      assert.ok(Number(response.headers.get("retry-after")) > 0);
      await response.body?.cancel();
    }
    const part = name === "mcp" ? "mcp_host" : "http";
    assert.equal(http.metrics.valueOf("nexo_refusals_total", { part, reason: "too_many_guesses" }), 3);
    await http.clock.advance(60_000);
    assert.equal(await statusOf(guess(http, "wrong-13")), 401);
  });
}

Deno.test("login codes and the token entered once more are guessed as slowly", async () => {
  await using http = await openHttpFixture();
  const cookie = await logIn(http);
  const headers = { cookie, origin: http.room.addresses.admin.origin, "x-nexo-csrf": "1" };
  const again = (guess: string) =>
    http.admin("/api/tokens", {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "eva", role: "operator", expiresInMs: 60_000, token: guess }),
    });
  for (let round = 0; round < 5; round++) {
    assert.equal(await statusOf(http.admin(`/login?code=wrong${round}`, { headers: {} })), 303);
    assert.equal(await statusOf(again(`wrong-${round}`)), 403);
  }
  assert.equal(http.metrics.valueOf("nexo_refusals_total", { part: "http", reason: "wrong_code" }), 5);
  assert.equal(http.metrics.valueOf("nexo_refusals_total", { part: "http", reason: "token_again" }), 5);
  const standing = http.clock.waiting;
  const code = http.admin("/login?code=wrong", { headers: {} });
  await http.clock.untilWaiting(standing + 1);
  const token = again("wrong");
  await http.clock.untilWaiting(standing + 2);
  await http.clock.advance(2_000);
  assert.equal(await statusOf(code), 303);
  assert.equal(await statusOf(token), 429);
  const link = await fetch(http.room.newLoginLink(), { redirect: "manual" });
  await link.body?.cancel();
  assert.equal(link.headers.get("location"), "/", "a right code is taken at once");
});

Deno.test("a token that has ended is no guess, and its refusal says so", async () => {
  await using http = await openHttpFixture();
  for (const state of ["expired", "revoked"] as const) {
    const text = http.tokens.add(state, "operator");
    http.tokens.endAs(state, state);
    for (let round = 0; round < 12; round++) {
      const response = await http.admin("/api/status", { headers: { authorization: `Bearer ${text}` } });
      const { error } = refusalSchema.parse(await response.json());
      assert.deepEqual([response.status, error.reason], [401, `token_${state}`]);
    }
  }
});

Deno.test("a program that asks again with an old token is told so thirty times", async () => {
  await using http = await openHttpFixture();
  const ask = () => http.admin("/api/status", { headers: { authorization: "Bearer old" } });
  for (let round = 0; round < 28; round++) assert.equal(await statusOf(ask()), 401, `round ${round}`);
  const standing = http.clock.waiting;
  const late = ask();
  await http.clock.untilWaiting(standing + 1);
  await http.clock.advance(1_000);
  assert.equal(await statusOf(late), 429);
});

async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}
