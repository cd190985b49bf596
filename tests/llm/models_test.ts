import assert from "node:assert/strict";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { collect, newRequest, openTestRoom, settleWith, textOf, toLlmConfig } from "./room.ts";

const patient = { first_chunk: "10h", idle: "10h", total: "20h" } as const;

Deno.test("auto takes the first provider with a key", () => {
  const { llm } = openTestRoom();
  const route = llm.at(toLlmConfig({
    providers: {
      anthropic: { api_key: "" },
      own: { kind: "openai_compatible", api_key: "none", base_url: "http://127.0.0.1:11434/v1" },
      gemini: { api_key: "k" },
      deepseek: { api_key: "k" },
    },
  })).resolve("auto", []);
  assert.deepEqual([route.providerId, route.model, route.images], ["gemini", "gemini-2.5-flash", true]);
});

Deno.test("auto takes the model that the config names", () => {
  const { llm } = openTestRoom();
  const own = { kind: "openai_compatible", api_key: "none", base_url: "http://127.0.0.1:1/v1", default_model: "llama" };
  const route = llm.at(toLlmConfig({ providers: { own } })).resolve("auto", []);
  assert.deepEqual([route.providerId, route.model], ["own", "llama"]);
});

Deno.test("auto takes the demo model when no provider has a key", async () => {
  const { llm } = openTestRoom();
  const route = llm.at(toLlmConfig({ providers: { anthropic: { api_key: "" }, gemini: {} } })).resolve("auto", []);
  assert.deepEqual([route.providerId, route.model, route.images], ["demo", "demo", false]);
  assert.match(textOf(await collect(route.provider, newRequest({ model: route.model }))), /demo model/);
  assert.equal(route.price("demo", "demo")?.inputPerMillion, 0);
});

Deno.test("the list of models says what is missing and how to add it", () => {
  const { llm } = openTestRoom();
  const { available } = llm.at(toLlmConfig({
    providers: {
      anthropic: { api_key: "" },
      openai: { kind: "openai_compatible", base_url: "https://api.openai.com/v1/", api_key: "k" },
      own: { kind: "openai_compatible", api_key: "none", base_url: "http://127.0.0.1:1/v1" },
      strange: { api_key: "k" },
    },
  }));
  assert.deepEqual(available.map(({ provider, model, configured }) => [provider, model, configured]), [
    ["anthropic", "claude-sonnet-4-5", false],
    ["openai", "gpt-4.1-mini", true],
    ["own", "", true],
    ["strange", "", false],
    ["demo", "demo", true],
  ]);
  assert.match(available[0]?.missing ?? "", /providers\.anthropic\.api_key is empty.*ANTHROPIC_API_KEY/);
  assert.equal(available[1]?.missing, undefined);
  assert.match(available[2]?.missing ?? "", /providers\.own\.default_model/);
  assert.match(available[3]?.missing ?? "", /providers\.strange\.kind/);
});

Deno.test("a provider without a key or without an entry is refused with the remedy", () => {
  const { llm } = openTestRoom();
  const models = llm.at(toLlmConfig({ providers: { anthropic: { api_key: "" }, strange: { api_key: "k" } } }));
  const resolve = (provider: string) => () => models.resolve({ provider, model: "m" }, []);
  assert.throws(resolve("anthropic"), { kind: "invalid", message: /providers\.anthropic\.api_key is empty/ });
  assert.throws(resolve("other"), { kind: "invalid", message: /no provider other.*anthropic, strange, demo/ });
  assert.throws(resolve("strange"), { kind: "invalid", message: /providers\.strange\.kind/ });
});

Deno.test("a route falls back along the agent's list and leaves out providers without a key", async () => {
  await using broken = openFakeOpenai();
  await using good = openFakeOpenai();
  broken.script({ type: "status", status: 401 });
  const { llm, clock } = openTestRoom();
  const kind = "openai_compatible";
  const models = llm.at(toLlmConfig({
    providers: {
      broken: { kind, api_key: "k", base_url: broken.baseUrl, timeouts: patient },
      keyless: { kind, api_key: "", base_url: "http://127.0.0.1:1/v1" },
      good: { kind, api_key: "k", base_url: good.baseUrl, timeouts: patient },
    },
  }));
  const { provider } = models.resolve({ provider: "broken", model: "m1" }, [
    { provider: "keyless", model: "m2" },
    { provider: "good", model: "m3" },
  ]);
  const chunks = await settleWith(clock, collect(provider, newRequest({ model: "m1" })));
  assert.deepEqual(chunks.at(-1), { ...chunks.at(-1), provider: "good", model: "m3" });
});

Deno.test("models are the same for the same config, and breakers and limiters outlive a reload", async () => {
  await using fake = openFakeOpenai();
  const { llm, clock, metrics } = openTestRoom();
  const provider = { kind: "openai_compatible", api_key: "k", base_url: fake.baseUrl, timeouts: patient };
  const config = toLlmConfig({ providers: { own: provider } });
  const models = llm.at(config);
  assert.equal(llm.at(config), models);
  assert.deepEqual(llm.status(), [{ name: "llm.own", state: "ok", critical: false }]);

  const ask = (from: typeof models) =>
    settleWith(clock, collect(from.resolve({ provider: "own", model: "m" }, []).provider, newRequest()));
  fake.script(...Array(9).fill({ type: "status", status: 503 }));
  await assert.rejects(ask(models), { kind: "unavailable" });
  await assert.rejects(ask(models), { reason: "breaker_open" });
  assert.equal(fake.requests.length, 5);
  assert.equal(metrics.valueOf("nexo_breaker_state", { breaker: "llm.own" }), 2);
  assert.match(llm.status()[0]?.reason ?? "", /tried again in/);

  const reloaded = llm.at(toLlmConfig({ providers: { own: provider } }));
  assert.notEqual(reloaded, models);
  assert.equal(llm.status()[0]?.state, "down");
  await assert.rejects(ask(reloaded), { reason: "breaker_open" });

  llm.at(toLlmConfig({ providers: { own: { ...provider, api_key: "another" } } }));
  assert.equal(llm.status()[0]?.state, "ok");
});

Deno.test("a rate limit holds for all agents of one key", async () => {
  await using fake = openFakeOpenai();
  const { llm, clock } = openTestRoom();
  const askedAt: number[] = [];
  fake.onRequest = () => askedAt.push(clock.monotonic());
  const rate_limit = { requests_per_second: 0.1, burst: 1 };
  const own = { kind: "openai_compatible", api_key: "k", base_url: fake.baseUrl, timeouts: patient, rate_limit };
  const models = llm.at(toLlmConfig({ providers: { own } }));
  const ask = (model: string) =>
    collect(models.resolve({ provider: "own", model }, []).provider, newRequest({ model }));
  await settleWith(clock, Promise.all([ask("m1"), ask("m2")]));
  const [first = NaN, second = NaN] = askedAt;
  assert.ok(second - first >= 9_000, `${second - first} ms apart`);
});

Deno.test("prices come from the config, else from the vendor's list, else they are unknown", () => {
  const { llm } = openTestRoom();
  const route = llm.at(toLlmConfig({
    providers: {
      anthropic: { api_key: "k", prices: { special: { input: 1, output: 2, cache_read: 0.5 } } },
      proxy: { kind: "anthropic", api_key: "k", base_url: "http://127.0.0.1:1" },
    },
  })).resolve("auto", []);
  const special = { inputPerMillion: 1, outputPerMillion: 2, cacheReadPerMillion: 0.5, cacheWritePerMillion: 1 };
  assert.deepEqual(route.price("anthropic", "special"), special);
  assert.equal(route.price("anthropic", "claude-sonnet-4-5")?.outputPerMillion, 15);
  assert.equal(route.price("anthropic", "claude-sonnet-4-5-20250929")?.outputPerMillion, 15);
  assert.equal(route.price("anthropic", "claude-unheard-of"), undefined);
  assert.equal(route.price("proxy", "claude-sonnet-4-5"), undefined);
  assert.equal(route.price("nobody", "claude-sonnet-4-5"), undefined);
});
