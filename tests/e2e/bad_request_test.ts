import assert from "node:assert/strict";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

/** Sends bytes as they are, and gives what comes back until the connection ends. */
async function sendRaw(address: string, text: string, { cut }: { readonly cut: boolean }): Promise<string> {
  const { hostname, port } = new URL(address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(text));
  if (cut) {
    await connection.closeWrite();
  }
  return await new Response(connection.readable).text();
}

const json = { "content-type": "application/json" };

Deno.test("bodies that are no request are refused with the reason, and the process goes on", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: newTestConfig({ modelUrl: model.baseUrl, runtime: { http: { max_body_bytes: 10_000 } } }),
  });
  const box = newBlackBox(nexo);
  const post = async (path: string, body: string) => {
    const response = await box.request(path, { method: "POST", headers: json, body });
    return { status: response.status, text: await response.text() };
  };
  for (const path of ["/v1/chat/completions", "/api/chat", "/api/login", "/api/dead-letters/replay"]) {
    for (const body of ["", "not json", '{"model": "ana", "messages": [', "[]", "null", "7", '"x"', "{}"]) {
      const { status, text } = await post(path, body);
      assert.equal(status, 400, `${path} ${body}: ${text}`);
      assert.doesNotMatch(text, /\bat .*\.ts/, "no stack");
    }
    const large = await post(path, JSON.stringify({ model: "ana", text: "x".repeat(20_000) }));
    assert.equal(large.status, 413, `${path}: ${large.text}`);
  }
  const streamed = await box.request("/v1/chat/completions", {
    method: "POST",
    headers: json,
    body: new Blob(["x".repeat(20_000)]).stream(),
  });
  assert.equal(streamed.status, 413, await streamed.text());
  const strange = [
    { model: "ana", messages: [] },
    { model: "ana", messages: [{ role: "user" }] },
    { model: "ana", messages: [{ role: "wizard", content: "hi" }] },
    { model: "", messages: [{ role: "user", content: "hi" }] },
    { model: "ana", messages: [{ role: "assistant", content: "hi" }] },
    { model: "ana", messages: [{ role: "user", content: "" }] },
    { model: ["ana"], messages: [{ role: "user", content: "hi" }] },
  ];
  for (const body of strange) {
    const { status, text } = await post("/v1/chat/completions", JSON.stringify(body));
    assert.ok(status >= 400 && status < 500, `${JSON.stringify(body)}: ${status} ${text}`);
    assert.match(text, /"error"/);
  }
  assert.equal(
    (await post("/v1/chat/completions", '{"model":"x","messages":[{"role":"user","content":"hi"}]}')).status,
    404,
  );
  assert.equal((await box.chat({ user: "u", text: "still there" })).text, "answer to: still there");
});

Deno.test("a body that ends too early, and one that is no HTTP, harm nobody", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${nexo.token}\r\n` +
    "content-type: application/json\r\nconnection: close\r\n";
  await sendRaw(nexo.admin, `${head}content-length: 500\r\n\r\n{"model": "ana"`, { cut: true });
  await sendRaw(nexo.admin, "\x16\x03\x01 this is no HTTP\r\n\r\n", { cut: true });
  await sendRaw(nexo.health, "GET\r\n\r\n", { cut: true });
  assert.equal((await newBlackBox(nexo).chat({ user: "u", text: "still there" })).text, "answer to: still there");
  assert.equal((await model.requests()).length, 1);
});

function statusOf(nexo: NexoProcess, path: string, headers: Record<string, string>, method = "GET"): Promise<number> {
  // fetch does not send a foreign Host, so the request is written by hand.
  const lines = Object.entries({ host: "127.0.0.1", connection: "close", ...headers }).map(([name, value]) =>
    `${name}: ${value}`
  );
  const end = method === "GET" ? "" : "content-length: 0\r\n";
  return sendRaw(nexo.admin, `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n${end}\r\n`, { cut: false })
    .then((text) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]));
}

Deno.test("without the token, from a foreign host or a foreign page nothing is to be had", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const token = { authorization: `Bearer ${nexo.token}` };
  const paths = ["/v1/models", "/api/status", "/api/agents", "/api/channels", "/api/sessions", "/api/dead-letters"];
  for (const path of paths) {
    assert.equal(await statusOf(nexo, path, token), 200, path);
    assert.equal(await statusOf(nexo, path, {}), 401, path);
    assert.equal(await statusOf(nexo, path, { authorization: "Bearer wrong" }), 401, path);
    assert.equal(await statusOf(nexo, path, { authorization: `Basic ${nexo.token}` }), 401, path);
    assert.equal(await statusOf(nexo, `${path}?token=${nexo.token}`, {}), 401, path);
    assert.equal(await statusOf(nexo, path, { ...token, host: "evil.example" }), 403, path);
    assert.equal(await statusOf(nexo, path, { ...token, host: "127.0.0.1.evil.example" }), 403, path);
    assert.equal(await statusOf(nexo, path, { ...token, origin: "http://evil.example" }), 403, path);
    assert.equal(await statusOf(nexo, path, { ...token, origin: "null" }), 403, path);
  }
  for (const path of ["/", "/login", "/console/console.js"]) {
    assert.equal(await statusOf(nexo, path, { host: "evil.example" }), 403, path);
  }
  assert.equal(await statusOf(nexo, "/v1/chat/completions", {}, "POST"), 401);
  assert.equal(await statusOf(nexo, "/api/chat", {}, "POST"), 401);
});

Deno.test("no path leads out of the console's files", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const paths = [
    "/console/../admin.token",
    "/console/..%2f..%2fadmin.token",
    "/console/%2e%2e/%2e%2e/deno.json",
    "/console/....//deno.json",
    "/console/__proto__",
    "/console/constructor",
    "/console/console.js%00.css",
    "/console//etc/passwd",
    "/console/",
  ];
  for (const path of paths) {
    const text = await sendRaw(nexo.admin, `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`, {
      cut: false,
    });
    assert.match(text, /^HTTP\/1\.1 (40[0134]|303)/, `${path}: ${text.slice(0, 100)}`);
    assert.ok(!text.includes(nexo.token));
  }
});

Deno.test("the console's login is throttled, and its cookie needs the console's own page", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const logIn = (token: string) =>
    fetch(`${nexo.admin}/api/login`, { method: "POST", headers: json, body: JSON.stringify({ token }) });
  const login = await logIn(nexo.token);
  await login.body?.cancel();
  assert.equal(login.status, 200);
  const cookie = login.headers.get("set-cookie") ?? "";
  for (const flag of [/HttpOnly/i, /SameSite=Strict/i, /Path=\//i]) assert.match(cookie, flag);
  assert.ok(!cookie.includes(nexo.token));
  assert.match(login.headers.get("content-security-policy") ?? "", /default-src 'none'/);

  const own = { cookie: cookie.split(";")[0] ?? "", ...json };
  const statusWith = async (headers: Record<string, string>, path = "/api/dead-letters/purge") => {
    const body = JSON.stringify({ filter: {}, dryRun: true });
    const response = await fetch(`${nexo.admin}${path}`, { method: "POST", headers, body });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await statusWith(own), 403);
  assert.equal(await statusWith({ ...own, origin: "http://evil.example", "x-nexo-csrf": "1" }), 403);
  assert.equal(await statusWith({ ...own, origin: nexo.admin }), 403);
  assert.equal(await statusWith({ ...own, origin: nexo.admin, "x-nexo-csrf": "1" }), 200);
  assert.equal(await statusWith({ ...own, origin: nexo.admin, "x-nexo-csrf": "1" }, "/v1/chat/completions"), 401);

  const wrong: number[] = [];
  for (let round = 0; round < 12; round++) {
    const response = await logIn(`wrong ${round}`);
    await response.body?.cancel();
    wrong.push(response.status);
  }
  assert.equal(wrong[0], 401);
  assert.equal(wrong.at(-1), 429);
});
