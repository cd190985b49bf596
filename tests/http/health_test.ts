import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { calls } from "../../src/core/topics.ts";
import { readySchema } from "../../src/http/status_api.ts";
import { newHealthRoutes } from "../../src/http/health.ts";
import { newLive } from "../../src/lib/live.ts";
import { newFakeBus } from "../fixtures/fake_bus.ts";
import { type HttpFixture, newConfig, openHttpFixture } from "./http_fixture.ts";

Deno.test("the process is healthy as soon as it listens", async () => {
  await using http = await openHttpFixture();
  const response = await fetch(new URL("/health", http.room.addresses.health));
  assert.deepEqual([response.status, await response.json()], [200, { status: "ok" }]);
  assert.equal(http.metrics.valueOf("nexo_http_requests_total", { listener: "health", status: "200" }), 1);
});

Deno.test("ready says of every part how it stands and why", async () => {
  const subsystems = [
    { name: "ledger", state: "ok", critical: true },
    { name: "plugin.telegram.sales", state: "down", reason: "The token was refused", critical: false },
  ] as const;
  let ledger: "ok" | "down" = "ok";
  await using http = await openHttpFixture({
    status: () => [{ ...subsystems[0], state: ledger }, subsystems[1]],
  });
  assert.deepEqual(await readReady(http), { status: 200, ready: { status: "ready", subsystems: [...subsystems] } });
  ledger = "down";
  const { status, ready } = await readReady(http);
  assert.deepEqual([status, ready.status], [503, "not_ready"]);
});

Deno.test("whoever asks from elsewhere is told of no account, server or agent, and why one is down", async () => {
  const health = newHealthRoutes({
    config: newLive(newConfig(["ana"])),
    bus: newFakeBus(),
    intake: { pausedBy: [] },
    status: () => [
      { name: "intake", state: "down", reason: "New messages wait", critical: true },
      { name: "mcp.files", state: "down", reason: "its last words: sk-0123456789", critical: false },
    ],
  });
  const ask = async (peer: string, headers: Record<string, string> = {}) => {
    const response = await health.request("/ready", { headers }, { peer });
    assert.equal(response.status, 503);
    return readySchema.parse(await response.json()).subsystems.map(({ name }) => name);
  };
  for (const peer of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assert.deepEqual(await ask(peer), ["intake", "mcp.files"], peer);
    for (const header of ["x-forwarded-for", "forwarded", "x-real-ip"]) {
      assert.deepEqual(await ask(peer, { [header]: "203.0.113.7" }), ["intake"], header);
    }
  }
  for (const peer of ["203.0.113.7", "10.0.0.1", "::2", "::ffff:10.127.0.1"]) {
    assert.deepEqual(await ask(peer), ["intake"], peer);
  }
});

Deno.test("a process that stops is not ready, and says so", async () => {
  await using http = await openHttpFixture();
  http.room.stopIntake();
  const { status, ready } = await readReady(http);
  assert.equal(status, 503);
  assert.match(ready.subsystems.find(({ name }) => name === "http")?.reason ?? "", /is stopping/);
});

Deno.test("metrics are served as Prometheus text", async () => {
  await using http = await openHttpFixture();
  const response = await fetch(new URL("/metrics", http.room.addresses.metrics));
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(await response.text(), "nexo_build_info 1\n");
});

Deno.test("a webhook reaches its plugin and takes its answer back", async () => {
  await using http = await openHttpFixture();
  await using _answerer = http.bus.respond(calls.webhook("telegram", "sales"), (request) => {
    assert.equal(request.method, "POST");
    assert.equal(request.headers["x-telegram-bot-api-secret-token"], "s");
    return Promise.resolve({ status: 202, body: `took ${request.body}` });
  });
  const response = await webhook(http, "telegram/sales", "{}", { "X-Telegram-Bot-Api-Secret-Token": "s" });
  assert.deepEqual([response.status, await response.text()], [202, "took {}"]);
});

Deno.test("a webhook that nobody answers is missing", async () => {
  await using http = await openHttpFixture();
  const response = await webhook(http, "telegram/unknown", "{}");
  assert.equal(response.status, 404);
  assert.equal((await response.json()).error.kind, "missing");
});

Deno.test("a webhook's body is bounded, and its plugin's failure keeps its kind", async () => {
  await using http = await openHttpFixture({ http: { max_body_bytes: 10 } });
  await using _answerer = http.bus.respond(calls.webhook("telegram", "sales"), () => {
    throw new AppError("denied", "The secret is wrong", { reason: "webhook_secret" });
  });
  const large = await webhook(http, "telegram/sales", "x".repeat(11));
  assert.equal(large.status, 413);
  await large.body?.cancel();
  const denied = await webhook(http, "telegram/sales", "{}");
  assert.deepEqual([denied.status, (await denied.json()).error.reason], [403, "webhook_secret"]);
});

Deno.test("while intake is paused a provider is told to send its webhook again", async () => {
  await using http = await openHttpFixture({ intake: { pausedBy: ["inbox_full"], open: () => Promise.resolve() } });
  const response = await webhook(http, "telegram/sales", "{}");
  await response.body?.cancel();
  assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "5"]);
});

Deno.test("the public listener shows nothing of the admin's, and the other way round", async () => {
  await using http = await openHttpFixture();
  for (const path of ["/api/status", "/v1/models", "/metrics", "/login"]) {
    const response = await fetch(new URL(path, http.room.addresses.health));
    assert.equal(response.status, 404, path);
    await response.body?.cancel();
  }
  const ready = await http.admin("/ready");
  assert.equal(ready.status, 404);
  await ready.body?.cancel();
});

Deno.test("a bug is answered without its message, which stands in the log", async () => {
  await using http = await openHttpFixture({ metricsText: () => Promise.reject(new RangeError("secret detail")) });
  const response = await fetch(new URL("/metrics", http.room.addresses.metrics));
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret detail/);
  assert.equal(http.log.entries.find(({ event }) => event === "http.failed")?.fields.error, "secret detail");
});

Deno.test("a port in use names the address, the setting and the variable", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(openHttpFixture({ http: { admin: `127.0.0.1:${taken.addr.port}` } }), (error) => {
    assert.ok(error instanceof AppError);
    assert.equal(error.kind, "conflict");
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${taken.addr.port}`));
    assert.match(error.message, /http\.admin in runtime\.yaml or AGENT_ADMIN_ADDR/);
    return true;
  });
});

Deno.test("an address of another machine is refused with the setting", async () => {
  await assert.rejects(openHttpFixture({ http: { metrics: "192.0.2.1:0" } }), /http\.metrics in runtime\.yaml/);
});

async function readReady(http: HttpFixture) {
  const response = await fetch(new URL("/ready", http.room.addresses.health));
  return { status: response.status, ready: readySchema.parse(await response.json()) };
}

function webhook(http: HttpFixture, path: string, body: string, headers: Record<string, string> = {}) {
  return fetch(new URL(`/webhooks/${path}`, http.room.addresses.health), { method: "POST", headers, body });
}
