import assert from "node:assert/strict";
import { auditAnswerSchema } from "../../src/http/audit_api.ts";
import { configFilesAnswerSchema } from "../../src/http/config_api.ts";
import { refusalSchema } from "../../src/http/refusal_api.ts";
import { tokenCreatedSchema } from "../../src/http/tokens_api.ts";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

/** Whoever answers it may not be seen by a browser page, nor by somebody who reads over a shoulder. */
const canary = "canary-that-no-answer-holds";

async function logIn(nexo: NexoProcess, headers: Record<string, string> = {}): Promise<string> {
  const body = JSON.stringify({ token: nexo.token });
  const response = await fetch(`${nexo.admin}/api/login`, { method: "POST", headers, body });
  await response.body?.cancel();
  assert.equal(response.status, 200);
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

async function reasonOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const text = await response.text();
  if (response.ok) return "taken";
  return refusalSchema.parse(JSON.parse(text)).error.reason;
}

/** A request as it is written here: fetch() chooses the host and tidies paths. */
async function sendRaw(nexo: NexoProcess, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(nexo.admin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`));
  return await new Response(connection.readable).text();
}

Deno.test("a foreign page can neither change nor read anything with a session's cookie, however it asks", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const cookie = await logIn(nexo);
  const own = { cookie, origin: nexo.admin, "x-nexo-csrf": "1" };
  const port = new URL(nexo.admin).port;
  const body = JSON.stringify({ filter: {}, dryRun: true });
  const purge = (headers: Record<string, string>, text: string = body) =>
    reasonOf(fetch(`${nexo.admin}/api/dead-letters/purge`, { method: "POST", headers, body: text }));
  const form = { cookie, "content-type": "application/x-www-form-urlencoded" };
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ["csrf", { cookie }],
    ["csrf", { cookie, origin: nexo.admin }],
    ["csrf", { cookie, "x-nexo-csrf": "1" }],
    ["csrf", { cookie, origin: nexo.admin, "x-nexo-csrf": "0" }],
    ["csrf", { ...form, origin: nexo.admin }],
    ["csrf", { cookie, origin: nexo.admin, "content-type": "text/plain" }],
    ["foreign_origin", { ...own, origin: "https://evil.example" }],
    ["foreign_origin", { ...own, origin: "null" }],
    ["foreign_origin", { ...own, origin: `http://localhost:${Number(port) + 1}` }],
    ["foreign_origin", { ...own, origin: `http://localhost:${port}` }],
    ["foreign_origin", { ...own, origin: `${nexo.admin}.evil.example` }],
    ["foreign_origin", { ...form, origin: "http://evil.example" }],
    ["foreign_origin", { ...own, "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }],
    ["foreign_origin", { ...own, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" }],
    ["taken", own],
    ["taken", { ...own, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "content-type": "text/plain" }],
  ];
  for (const [reason, headers] of cases) assert.equal(await purge(headers), reason, JSON.stringify(headers));
  assert.equal(
    await purge({ ...own, "content-type": "application/x-www-form-urlencoded" }, "ids=1&dryRun=1"),
    "bad_json",
  );
  for (const path of ["/api/live", "/api/logs?follow=1", "/api/bus/live", "/api/status"]) {
    const headers = { cookie, origin: "https://evil.example" };
    assert.equal(await reasonOf(fetch(`${nexo.admin}${path}`, { headers })), "foreign_origin");
    const answer = await fetch(`${nexo.admin}${path}`, { headers: { cookie } });
    assert.equal(answer.headers.get("access-control-allow-origin"), null);
    await answer.body?.cancel();
  }
  const preflight = await fetch(`${nexo.admin}/api/status`, {
    method: "OPTIONS",
    headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
  });
  await preflight.body?.cancel();
  assert.ok(preflight.status >= 400 && preflight.headers.get("access-control-allow-origin") === null);

  for (
    const host of [
      "evil.example",
      `evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      "[::2]",
      "0x7f.1",
      "2130706433",
    ]
  ) {
    const text = await sendRaw(nexo, [
      "GET /api/status HTTP/1.1",
      `Host: ${host}`,
      `Origin: http://${host}`,
      `Cookie: ${cookie}`,
    ]);
    assert.match(text, /^HTTP\/1\.1 403 [^]*"foreign_host"/, host);
  }
});

Deno.test("a session without the token gets at no key, no file and no program by editing the config", async () => {
  await using model = openFakeModel();
  await using home = await openTempDir();
  const config = `${home.path}/config`;
  await writeConfig(home.path, { "secrets/key": canary });
  await writeConfig(config, newTestConfig({ modelUrl: model.baseUrl }));
  await using nexo = await startNexo({ config, dataDir: `${home.path}/data`, env: { SOME_KEY: canary } });
  const session = { cookie: await logIn(nexo), origin: nexo.admin, "x-nexo-csrf": "1" };
  const post = async (path: string, body: unknown) => {
    const init = { method: "POST", headers: session, body: JSON.stringify(body) };
    return await (await fetch(`${nexo.admin}${path}`, init)).text();
  };
  const listed = await (await fetch(`${nexo.admin}/api/config/files`, { headers: session })).json();
  const { files } = configFilesAnswerSchema.parse(listed);
  const versionOf = (path: string) => files.find((file) => file.path === path)?.version ?? "";
  const ana = (settings: string) => ({ path: "agents.yaml", text: `agents: [{ id: ana, ${settings} }]` });
  const edits = [
    ana(`workspace: ${home.path}`),
    ana(`skills_dir: ${home.path}`),
    ana('allowed_tools: ["*"]'),
    ana('description: "${file:../secrets/key}"'),
    ana('description: "${SOME_KEY}"'),
    ana('model: { provider: "${SOME_KEY}", model: x }'),
    { path: "agents.d/eva.yaml", text: `agents: [{ id: eva, workspace: ${home.path} }]` },
    { path: "llm.yaml", text: "providers: { fake: { base_url: 'http://127.0.0.1:1/' } }" },
    { path: "memory.yaml", text: "long_term: { embedder: { kind: none } }" },
    { path: "broker.yaml", text: "broker: { type: nats, url: 'nats://127.0.0.1:1' }" },
    { path: "runtime.yaml", text: "http: { allowed_hosts: [evil.example] }" },
    { path: "mcp.yaml", text: "servers: { x: { command: /bin/true } }" },
  ];
  for (const edit of edits) {
    const checked = await post("/api/config/check", edit);
    assert.ok(!checked.includes(canary), checked);
    const applied = await post("/api/config/apply", { ...edit, base: versionOf(edit.path) });
    assert.match(applied, /"token_again"/, JSON.stringify(edit));
  }
  const words = { ...ana("model: auto, system_prompt: Be kind"), base: versionOf("agents.yaml") };
  assert.match(await post("/api/config/apply", words), /"applied"/);
});

Deno.test("no path leads out of what a route serves, and no address leads to another site", async () => {
  await using model = openFakeModel();
  await using config = await openTempDir();
  await using data = await openTempDir();
  await writeConfig(config.path, newTestConfig({ modelUrl: model.baseUrl }));
  await Deno.writeTextFile(`${config.path}/../${config.path.split("/").at(-1)}.canary`, canary);
  await Deno.writeTextFile(`${data.path}/secret.txt`, canary);
  try {
    await using nexo = await startNexo({ config: config.path, dataDir: data.path });
    const box = newBlackBox(nexo);
    const ups = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "%252e%252e%252f", "..%5c", "....//", "..%c0%af", "/", "%00"];
    const targets = ["secret.txt", "admin.token", "ledger.db", "etc/passwd", `${config.path.split("/").at(-1)}.canary`];
    const places = [
      "/console/",
      "/api/agents/ana/workspace/file?path=",
      "/api/agents/",
      "/api/config/history/",
      "/api/sessions/",
      "/api/channels/",
      "/api/logs?event=",
      "/api/tools/",
    ];
    for (const place of places) {
      for (const up of ups) {
        for (const target of targets) {
          const path = `${place}${up.repeat(3)}${target}`;
          const text = await sendRaw(nexo, [
            `GET ${path} HTTP/1.1`,
            `Host: ${new URL(nexo.admin).host}`,
            `Authorization: Bearer ${nexo.token}`,
          ]);
          assert.ok(!text.includes(canary) && !text.includes("root:x:") && !text.includes(nexo.token), path);
        }
      }
    }
    for (const path of ["../secret.txt", "/etc/passwd", "plugins/../../x.yaml", "agents.d/../../x.yaml", "x\0.yaml"]) {
      const answer = await box.request("/api/config/apply", {
        method: "POST",
        body: JSON.stringify({ path, text: "a: 1", base: "", token: nexo.token }),
      });
      assert.equal(answer.status, 400, `${path} ${await answer.text()}`);
    }
    const cookie = await logIn(nexo);
    for (
      const path of [
        "//evil.example",
        "/login?next=//evil.example",
        "/login?code=x&to=https://evil.example",
        "/%5cevil.example",
        "/\\evil.example",
        "/logout?to=//evil.example",
      ]
    ) {
      for (const cookieLine of [[], [`Cookie: ${cookie}`]]) {
        const text = await sendRaw(nexo, [`GET ${path} HTTP/1.1`, `Host: ${new URL(nexo.admin).host}`, ...cookieLine]);
        const [, to] = /^location: (.*)\r$/im.exec(text) ?? [];
        assert.ok(to === undefined || ["/", "/login", "/login#used"].includes(to), `${path} leads to ${to}`);
      }
    }
  } finally {
    await Deno.remove(`${config.path}/../${config.path.split("/").at(-1)}.canary`);
  }
});

Deno.test("bodies that are too large are refused before they are read, with and without a length", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const headers = { authorization: `Bearer ${nexo.token}` };
  const huge = "x".repeat(30_000_000);
  const stream = () =>
    ReadableStream.from((function* () {
      for (let part = 0; part < 300; part++) yield new TextEncoder().encode("x".repeat(100_000));
    })());
  const posts = [
    "/api/login",
    "/api/tokens",
    "/api/config/check",
    "/api/chat",
    "/api/pairings/approve",
    "/v1/chat/completions",
  ];
  for (const path of posts) {
    for (const body of [huge, stream()]) {
      // A server that stops reading may also end the connection.
      const status = await fetch(`${nexo.admin}${path}`, { method: "POST", headers, body }).then(
        async (response) => (await response.body?.cancel(), response.status),
        () => 413,
      );
      assert.equal(status, 413, path);
    }
  }
  assert.equal(await reasonOf(newBlackBox(nexo).request("/api/status")), "taken");
});

Deno.test("a stranger who guesses waits, and the operator does not", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const guess = (token: string) => fetch(`${nexo.admin}/api/status`, { headers: { authorization: `Bearer ${token}` } });
  for (let round = 0; round < 10; round++) assert.equal(await reasonOf(guess(`guess-${round}`)), "wrong_token");
  let answered = 0;
  const late = Array.from(
    { length: 20 },
    (_, round) => guess(`late-${round}`).then((response) => (answered++, response)),
  );
  const rights = await Promise.all([
    reasonOf(guess(nexo.token)),
    logIn(nexo).then(() => "taken"),
    newBlackBox(nexo).chat({ text: "hello" }).then(({ status }) => status === 200 ? "taken" : `${status}`),
  ]);
  assert.deepEqual(rights, ["taken", "taken", "taken"]);
  assert.ok(answered < late.length, "guesses wait meanwhile");
  for (const response of await Promise.all(late)) {
    assert.equal(response.status, 429);
    await response.body?.cancel();
  }
  const box = newBlackBox(nexo);
  assert.equal(await box.metric("nexo_refusals_total", 'reason="wrong_token"'), 10);
  assert.equal(await box.metric("nexo_refusals_total", 'reason="too_many_guesses"'), 20);
});

Deno.test("a page of another site in the same browser gets nothing from the console and changes nothing", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const seen: Headers[] = [];
  const attack = `<!doctype html><title>evil</title><body>
    <iframe id="frame" src="${nexo.admin}/"></iframe><img id="image" src="${nexo.admin}/api/status">
    <form id="form" method="post" target="sink" enctype="text/plain" action="${nexo.admin}/api/logins/end">
      <input name='{"a":"' value='"}'></form><iframe name="sink"></iframe>
    <script>
      window.got = [];
      document.querySelector("#form").submit();
      const asks = [
        fetch("${nexo.admin}/api/logins/end", { method: "POST", mode: "no-cors", credentials: "include", body: "{}" }),
        fetch("${nexo.admin}/api/status", { credentials: "include" }).then((answer) => answer.text()),
        fetch("${nexo.admin}/api/logins/end", { method: "POST", credentials: "include", headers: { "x-nexo-csrf": "1" }, body: "{}" }),
        new Promise((resolve, reject) => {
          const source = new EventSource("${nexo.admin}/api/live", { withCredentials: true });
          source.addEventListener("status", ({ data }) => resolve(data));
          source.addEventListener("error", reject);
        }),
      ];
      Promise.allSettled(asks).then((ends) => {
        window.got = ends.map((end) => end.status === "fulfilled" && typeof end.value === "string" ? end.value : "");
        document.title = "done";
      });
    </script>`;
  const evil = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen.push(request.headers);
    return new Response(attack, { headers: { "content-type": "text/html" } });
  });
  await using _evil = { [Symbol.asyncDispose]: () => evil.shutdown() };
  await using browser = await openBrowser();
  const { page } = await browser.newPage();
  await page.goto(nexo.admin);
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav[aria-label=Pages]");

  // Another port is the same site to a browser, so that cookies go along; another name is not.
  for (const host of ["127.0.0.1", "evil.localhost"]) {
    await page.goto(`http://${host}:${evil.addr.port}/`);
    await page.waitForFunction(`document.title === "done"`);
    assert.deepEqual(await page.evaluate("window.got"), ["", "", "", ""], host);
    const frame = page.frames().find((one) => one.parentFrame() !== null && one.url().includes(nexo.admin));
    assert.equal(await frame?.$("nav"), frame === undefined ? undefined : null, "the console shows in no frame");
  }
  await page.goto(`http://evil.localhost:${new URL(nexo.admin).port}/`);
  assert.match(await page.$eval("body", (body) => body.innerText), /foreign_host/);

  await page.goto(nexo.admin);
  await page.waitForSelector("nav[aria-label=Pages]");
  const { items } = auditAnswerSchema.parse(await newBlackBox(nexo).get("/api/audit"));
  assert.deepEqual(items.map(({ action }) => action), ["console.logged_in"], "nothing was changed");

  await model.setRules([{ text: `See [this](http://evil.localhost:${evil.addr.port}/linked)` }]);
  await page.goto(`${nexo.admin}/#/chat/ana`);
  await page.locator("textarea").fill("a link, please");
  await page.keyboard.press("Enter");
  const link = await page.waitForSelector("main a[href$='/linked']");
  assert.equal(await link?.evaluate((one) => one.rel), "noopener noreferrer");
  const before = seen.length;
  await link?.click();
  while (seen.length === before) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(seen.at(-1)?.get("referer"), null);
  assert.equal(seen.at(-1)?.get("cookie"), null);
});

Deno.test("a token stands in no log, no answer, no audit and no file but the root token's own", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  let tokens: readonly string[];
  let answers = "";
  let stderr: readonly string[];
  {
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, runtime: { log: { level: "debug" } } }),
      dataDir: data.path,
    });
    const box = newBlackBox(nexo);
    const made = [];
    for (const name of ["vera", "olga"]) {
      const request = { name, role: name === "olga" ? "operator" : "viewer", expiresInMs: 60_000, token: nexo.token };
      made.push(tokenCreatedSchema.parse(await box.post("/api/tokens", request)));
    }
    tokens = [nexo.token, ...made.map(({ text }) => text), "a-wrong-token-that-somebody-typed"];
    for (const token of tokens) {
      const authorization = `Bearer ${token}`;
      const asks: readonly (readonly [string, RequestInit])[] = [
        ["/api/status", { headers: { authorization } }],
        [`/api/sessions?search=${token}`, { headers: { authorization } }],
        [`/nowhere/${token}`, {}],
        [`/login?code=${token}`, { redirect: "manual" }],
        ["/api/login", { method: "POST", body: JSON.stringify({ token }) }],
        ["/api/login", { method: "POST", body: `{"token":"${token}` }],
        ["/api/config/apply", {
          method: "POST",
          headers: { authorization },
          body: JSON.stringify({ path: token, token }),
        }],
        ["/v1/chat/completions", { method: "POST", headers: { authorization }, body: `{"model":"ana","${token}` }],
        ["/mcp", { method: "POST", headers: { authorization }, body: "{}" }],
      ];
      for (const [path, init] of asks) answers += await (await fetch(`${nexo.admin}${path}`, init)).text();
    }
    await box.post(`/api/tokens/${made[0]?.id}/revoke`, {});
    for (const path of ["/api/tokens", "/api/audit", "/api/logins", "/api/logs?limit=2000", "/api/config/explain"]) {
      answers += await (await box.request(path)).text();
    }
    answers += await (await fetch(`${nexo.metrics}/metrics`)).text();
    stderr = nexo.stderr();
  }
  for (const token of tokens) {
    assert.ok(!answers.includes(token), "no answer");
    assert.ok(!stderr.join("\n").includes(token), "no log");
  }
  const files = await listFiles(data.path);
  assert.ok(files.some((path) => path.endsWith("ledger.db")));
  for (const path of files) {
    const text = new TextDecoder("latin1").decode(await Deno.readFile(path));
    const found = tokens.filter((token) => text.includes(token));
    assert.deepEqual(found, path.endsWith("/admin.token") ? tokens.slice(0, 1) : [], path);
  }
});

async function listFiles(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await listFiles(path));
    else found.push(path);
  }
  return found;
}
