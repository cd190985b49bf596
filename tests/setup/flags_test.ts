import assert from "node:assert/strict";
import { openDovecot } from "../fixtures/dovecot.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeAnthropic } from "../fixtures/fake_llm_anthropic.ts";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { openFakeSmtp } from "../fixtures/fake_smtp.ts";
import { startNatsServer } from "../fixtures/nats_server.ts";
import { openTokenProvider } from "../fixtures/token_provider.ts";
import { openSetupRoom } from "./setting_up.ts";

Deno.test("a model key is tried, goes into a file of its own, and the config refers to it", async () => {
  await using model = openFakeAnthropic();
  await using room = await openSetupRoom();
  const key = await room.file("key.txt", "  sk-ant-secret\n");
  const { code, stdout, stderr } = await room.setup(
    ...["llm", "--provider", "anthropic", "--key-file", key, "--base-url", model.baseUrl],
  );
  assert.equal(code, 0, stderr);
  assert.equal(model.requests.length, 1);
  assert.equal(model.requests[0]?.headers.get("x-api-key"), "sk-ant-secret");
  assert.equal(await room.read("secrets/anthropic"), "sk-ant-secret\n");
  assert.deepEqual([await room.modeOf("secrets"), await room.modeOf("secrets/anthropic")], ["700", "600"]);
  assert.match(await room.read("llm.yaml"), /^ {2}anthropic: \{ api_key: "\$\{file:\.\/secrets\/anthropic\}",/m);
  assert.ok(![...(await room.snapshot())].some(([path, text]) => path !== "secrets/anthropic" && text.includes("sk-")));
  assert.ok(!`${stdout}${stderr}`.includes("sk-ant-secret"));
  assert.match(stdout, /^-.*ANTHROPIC_API_KEY[^]*^\+.*secrets\/anthropic/m, "the diff is shown");
  const [past] = await Array.fromAsync(Deno.readDir(`${room.data}/config-history`));
  assert.match(past?.name ?? "", /~llm\.yaml$/, "the text before is kept");
  assert.equal((await room.agent("config", "check")).code, 0);
});

Deno.test("a refused key is not written, and a new key takes the place of an old one only when it is taken", async () => {
  await using model = openFakeAnthropic();
  await using room = await openSetupRoom();
  const args = async (key: string) => [
    ...["llm", "--provider", "anthropic", "--key-file", await room.file("key", key), "--base-url", model.baseUrl],
  ];
  model.script({ type: "status", status: 401, message: "invalid x-api-key" });
  const refused = await room.setup(...await args("first"));
  assert.equal(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, /Nothing was written/);
  assert.equal((await room.snapshot()).size, 0);

  assert.equal((await room.setup(...await args("second"))).code, 0);
  const before = await room.snapshot();
  model.script({ type: "status", status: 401, message: "invalid x-api-key" });
  assert.equal((await room.setup(...await args("third"))).code, 3);
  assert.deepEqual(await room.snapshot(), before);
  assert.equal((await room.setup(...await args("fourth"))).code, 0);
  assert.equal(await room.read("secrets/anthropic"), "fourth\n");
  assert.equal(await room.modeOf("secrets/anthropic"), "600");
});

Deno.test("a key that stands in the config itself is replaced by a reference, and not shown", async () => {
  await using model = openFakeAnthropic();
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  const llm = "providers:\n  anthropic: { api_key: sk-inlined } # ours\n  gemini:\n    api_key: 'sk-other'\n";
  await Deno.writeTextFile(`${room.config}/llm.yaml`, llm);
  const key = await room.file("key", "sk-new");
  const { code, stdout, stderr } = await room.setup(
    ...["llm", "--provider", "anthropic", "--key-file", key, "--base-url", model.baseUrl],
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^- {2}anthropic: \{ api_key: … \} # ours$/m);
  assert.doesNotMatch(`${stdout}${stderr}`, /sk-/);
  assert.match(await room.read("llm.yaml"), /secrets\/anthropic[^]*'sk-other'/);
});

Deno.test("a file that is a link stays one, and everything stays its owner's", async () => {
  await using model = openFakeAnthropic();
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  const elsewhere = await room.file("llm.yaml", "providers: {} # ours\n");
  await Deno.remove(`${room.config}/llm.yaml`);
  await Deno.symlink(elsewhere, `${room.config}/llm.yaml`);
  const nobody = Deno.uid() === 0 ? 65_534 : Deno.uid();
  for (const path of [room.config, elsewhere]) await Deno.chown(path, nobody, null);
  const key = await room.file("key", "sk-ant");
  const { code, stderr } = await room.setup(
    ...["llm", "--provider", "anthropic", "--key-file", key, "--base-url", model.baseUrl],
  );
  assert.equal(code, 0, stderr);
  assert.ok((await Deno.lstat(`${room.config}/llm.yaml`)).isSymlink);
  assert.match(await Deno.readTextFile(elsewhere), /secrets\/anthropic[^]*# ours/);
  for (const path of ["llm.yaml", "secrets", "secrets/anthropic"]) {
    assert.equal((await Deno.stat(`${room.config}/${path}`)).uid, nobody, path);
  }
});

Deno.test("a server of one's own needs no key, but the name of its model", async () => {
  await using model = openFakeOpenai();
  await using room = await openSetupRoom();
  const args = ["llm", "--provider", "local", "--kind", "openai_compatible", "--base-url", model.baseUrl, "--no-key"];
  const nameless = await room.setup(...args);
  assert.equal(nameless.code, 2);
  assert.match(nameless.stderr, /--model/);
  const { code, stderr } = await room.setup(...args, "--model", "qwen3");
  assert.equal(code, 0, stderr);
  assert.match(await room.read("llm.yaml"), /^ {2}local:\n {4}kind: openai_compatible\n[^]*api_key: none/m);
});

Deno.test("a bot's token is tried with getMe; the agent hears the bot", async () => {
  await using api = await openFakeBotApi();
  await using room = await openSetupRoom();
  const token = await room.file("token", api.token);
  const args = ["telegram", "--token-file", token, "--instance", "sales", "--agent", "ana", "--api-root", api.url];
  const { code, stdout, stderr } = await room.setup(...args, "--allow", "@eva,4711");
  assert.equal(code, 0, stderr);
  assert.deepEqual(api.calls.map(({ method }) => method), ["getMe"]);
  assert.equal(await room.read("secrets/telegram_sales"), `${api.token}\n`);
  assert.equal(await room.modeOf("secrets/telegram_sales"), "600");
  assert.match(await room.read("plugins/telegram.yaml"), /token: "\$\{file:\.\/secrets\/telegram_sales\}"/);
  assert.match(
    await room.read("agents.yaml"),
    /instance: sales\n {8}allow_from: \["@eva", "4711"\]\n$/,
  );
  assert.ok(!`${stdout}${stderr}`.includes(api.token));

  const before = await room.snapshot();
  assert.equal((await room.setup(...args)).code, 0, "done again, it changes nothing");
  assert.deepEqual(await room.snapshot(), before);
});

Deno.test("a wrong token, an unknown agent and an account that another agent hears change nothing", async () => {
  await using api = await openFakeBotApi();
  await using room = await openSetupRoom();
  const [good, bad] = [await room.file("good", api.token), await room.file("bad", "12:wrong")];
  const flags = ["telegram", "--instance", "sales", "--api-root", api.url];
  assert.equal((await room.setup(...flags, "--token-file", bad)).code, 6);
  const unknown = await room.setup(...flags, "--token-file", good, "--agent", "anna");
  assert.equal(unknown.code, 4);
  assert.match(unknown.stderr, /Did you mean "ana"/);
  assert.equal((await room.snapshot()).size, 0);

  assert.equal((await room.setup(...flags, "--token-file", good)).code, 0, "the only agent needs no naming");
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  const before = await room.snapshot();
  const taken = await room.setup(...flags, "--token-file", good, "--agent", "ben");
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /already heard by agent "ana"/);
  assert.deepEqual(await room.snapshot(), before);
});

Deno.test("a mail account's login is tried with both servers before it is written", async () => {
  await using imap = await openDovecot();
  await using smtp = await openFakeSmtp(imap.certificate, { accepts: (login) => login === imap.password });
  await using room = await openSetupRoom();
  const ca = await room.file("ca.pem", imap.certificate.cert);
  const flags = async (password: string, smtpPort: number) => [
    ...["email", "--address", "ana@example.org", "--password-file", await room.file("password", password)],
    ...["--imap", `localhost:${imap.starttlsPort}`, "--smtp", `localhost:${smtpPort}`, "--ca-file", ca],
    ...["--login", imap.user, "--instance", "support"],
  ];
  const refused = await room.setup(...await flags("wrong", smtp.port));
  assert.equal(refused.code, 6, refused.stderr);
  assert.match(refused.stderr, /refuses the login[^]*Nothing was written/);
  const away = await room.setup(...await flags(imap.password, 1));
  assert.equal(away.code, 6, away.stderr);
  assert.match(away.stderr, /localhost:1 cannot be reached[^]*Nothing was written/);
  assert.equal((await room.snapshot()).size, 0);

  const taken = await room.setup(...await flags(imap.password, smtp.port));
  assert.equal(taken.code, 0, taken.stderr);
  assert.deepEqual([smtp.logins, smtp.sent], [[imap.password], []], "nothing is sent");
  assert.equal(await room.read("secrets/email_support"), `${imap.password}\n`);
  assert.match(await room.read("plugins/email.yaml"), /password: "\$\{file:\.\/secrets\/email_support\}"/);
  assert.equal((await room.agent("config", "check")).code, 0);
});

Deno.test("a server that takes mail from nobody of that password is found out before it is written", async () => {
  await using imap = await openDovecot();
  await using smtp = await openFakeSmtp(imap.certificate, { accepts: () => false });
  await using room = await openSetupRoom();
  const { code, stderr } = await room.setup(
    ...["email", "--address", "ana@example.org", "--password-file", await room.file("password", imap.password)],
    ...["--imap", `localhost:${imap.starttlsPort}`, "--smtp", `localhost:${smtp.port}`, "--login", imap.user],
    ...["--ca-file", await room.file("ca.pem", imap.certificate.cert)],
  );
  assert.equal(code, 6, stderr);
  assert.match(stderr, new RegExp(`localhost:${smtp.port} refuses the login`));
  assert.equal((await room.snapshot()).size, 0);
});

Deno.test("an account with OAuth2 is tried, and a refresh token that the provider replaces is not lost", async () => {
  await using provider = openTokenProvider();
  await using imap = await openDovecot(`${provider.url}/introspect`);
  await using smtp = await openFakeSmtp(imap.certificate, { accepts: (login) => provider.valid.has(login) });
  await using room = await openSetupRoom();
  const flags = [
    ...["email", "--address", "ana@example.org", "--instance", "box", "--login", imap.user],
    ...["--imap", `localhost:${imap.starttlsPort}`, "--smtp", `localhost:${smtp.port}`],
    ...["--ca-file", await room.file("ca.pem", imap.certificate.cert)],
    ...["--refresh-token-file", await room.file("token", "r0")],
  ];
  const nameless = await room.setup(...flags);
  assert.deepEqual([nameless.code, /--client-id/.test(nameless.stderr)], [2, true]);
  const unplaced = await room.setup(...flags, "--client-id", "us");
  assert.deepEqual([unplaced.code, /--token-url/.test(unplaced.stderr)], [2, true]);
  const secret = await room.file("secret", "s3cret");
  const all = [...flags, "--client-id", "us", "--client-secret-file", secret, "--token-url", `${provider.url}/token`];
  const { code, stdout, stderr } = await room.setup(...all);
  assert.equal(code, 0, stderr);
  assert.deepEqual([provider.asked, smtp.logins], [["r0"], ["a1"]], "one access token for both servers");
  assert.equal(await room.read("secrets/email_box_refresh_token"), "r0\n");
  assert.equal(await room.read("secrets/email_box_client_secret"), "s3cret\n");
  assert.equal(await room.modeOf("secrets/email_box_refresh_token"), "600");
  assert.match(await room.read("plugins/email.yaml"), /refresh_token: "\$\{file:/);
  assert.ok(!/s3cret|\br0\b/.test(`${stdout}${stderr}${await room.read("plugins/email.yaml")}`));
  assert.match(await Deno.readTextFile(`${room.data}/plugins/email/box/refresh_token.json`), /"token":"r1"/);
  assert.equal((await room.agent("config", "check")).code, 0);
});

Deno.test("a NATS server is tried, and what is no NATS server is none", async () => {
  await using nats = await startNatsServer();
  await using room = await openSetupRoom();
  await using other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response());
  const wrong = await room.setup("nats", "--url", `nats://127.0.0.1:${other.addr.port}`);
  assert.deepEqual([wrong.code, /does not answer like a NATS server/.test(wrong.stderr)], [6, true]);
  const { code, stdout, stderr } = await room.setup("nats", "--url", nats.url);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /answers, with JetStream/);
  assert.match(await room.read("broker.yaml"), new RegExp(`url: "?${nats.url}`));
});

Deno.test("a login of NATS is tried, and its secret stands nowhere but in a file of its own", async () => {
  await using nats = await startNatsServer({ args: ["--user", "nexo", "--pass", "s3cret"] });
  await using room = await openSetupRoom();
  const flags = ["nats", "--url", nats.url];
  const nameless = await room.setup(...flags);
  assert.deepEqual([nameless.code, /refuses our credentials/.test(nameless.stderr)], [6, true]);
  const wrong = await room.setup(...flags, "--user", "nexo", "--password-file", await room.file("wrong", "guess"));
  assert.equal(wrong.code, 6, wrong.stderr);
  const inUrl = await room.setup("nats", "--url", nats.url.replace("//", "//nexo:s3cret@"));
  assert.deepEqual([inUrl.code, inUrl.stderr.includes("s3cret")], [2, false]);
  assert.equal((await room.snapshot()).size, 0);

  const password = await room.file("password", "s3cret");
  const { code, stdout, stderr } = await room.setup(...flags, "--user", "nexo", "--password-file", password);
  assert.equal(code, 0, stderr);
  assert.equal(await room.read("secrets/nats"), "s3cret\n");
  assert.match(await room.read("broker.yaml"), /user: nexo[^]*\$\{file:\.\/secrets\/nats\}/);
  assert.ok(!`${stdout}${stderr}${await room.read("broker.yaml")}`.includes("s3cret"));

  await Deno.writeTextFile(`${room.config}/secrets/nats`, "guess\n");
  const { stdout: said } = await room.agent("doctor");
  assert.match(said, /wrong {2}NATS: .*refuses our credentials[^]*Mend it: agent setup nats/);
});

Deno.test("memory and the bus are set up by flags, and what is not known or not there is refused", async () => {
  await using room = await openSetupRoom();
  const key = await room.file("key", "sk-memory");
  const misspelt = await room.setup("memory", "--embedder", "gemni");
  assert.deepEqual([misspelt.code, /Did you mean "gemini"/.test(misspelt.stderr)], [2, true]);
  assert.equal((await room.setup("memory", "--embedder", "gemini")).code, 2);
  assert.equal((await room.setup("nats", "--url", "nats://127.0.0.1:1")).code, 6);
  assert.equal((await room.snapshot()).size, 0);
  assert.equal((await room.setup("memory", "--embedder", "gemini", "--key-file", key, "--offline")).code, 0);
  assert.match(await room.read("memory.yaml"), /embedder:\n {4}kind: gemini\n {4}api_key: "\$\{file:/);
  assert.equal((await room.setup("nats", "--url", "nats://127.0.0.1:1", "--offline")).code, 0);
  assert.match(await room.read("broker.yaml"), /^broker: \{ type: nats, url: "nats:\/\/127\.0\.0\.1:1" \}$/m);
  assert.equal((await room.agent("config", "check")).code, 0);
});

Deno.test("the key of what makes vectors is tried before it is written, and by the doctor", async () => {
  let key = "sk-good";
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.body?.cancel();
    if (request.headers.get("authorization") !== `Bearer ${key}`) return new Response("wrong key", { status: 401 });
    return Response.json({ data: [{ index: 0, embedding: [1, 2, 3] }] });
  });
  await using room = await openSetupRoom();
  const flags = ["memory", "--embedder", "openai_compatible", "--base-url", `http://127.0.0.1:${server.addr.port}/v1`];
  const refused = await room.setup(...flags, "--key-file", await room.file("key", "sk-bad"));
  assert.deepEqual([refused.code, /Nothing was written/.test(refused.stderr)], [3, true], refused.stderr);
  assert.equal((await room.snapshot()).size, 0);
  const { code, stderr } = await room.setup(...flags, "--key-file", await room.file("key", "sk-good"));
  assert.equal(code, 0, stderr);
  assert.doesNotMatch((await room.agent("doctor", "--live")).stdout, /embedder: /);
  key = "sk-new";
  const { stdout } = await room.agent("doctor", "--live");
  assert.match(stdout, /wrong {2}embedder: [^]*Mend it: agent setup memory --embedder openai_compatible/);
});

Deno.test("without a terminal the wizard asks nothing and names the steps", async () => {
  await using room = await openSetupRoom();
  const { code, stderr } = await room.setup();
  assert.equal(code, 2);
  for (const step of ["llm", "agent", "telegram", "whatsapp", "email", "memory", "nats", "service"]) {
    assert.match(stderr, new RegExp(`^ {2}agent setup ${step}`, "m"));
  }
  assert.equal((await room.snapshot()).size, 0);
});

Deno.test("without a terminal a step says which flags it needs", async () => {
  await using room = await openSetupRoom();
  for (
    const [step, flags] of [["llm", ["--provider", "--key-file"]], ["telegram", ["--token-file"]], ["agent", ["--id"]]]
      .map(([step, flags]) => [String(step), [flags ?? []].flat()] as const)
  ) {
    const { code, stderr } = await room.setup(step);
    assert.equal(code, 2, step);
    for (const flag of flags) assert.ok(stderr.includes(flag), stderr);
  }
  assert.equal((await room.snapshot()).size, 0);
});

Deno.test("names and tokens cannot write YAML, references or second lines", async () => {
  await using room = await openSetupRoom();
  const name = 'Eve\n  - id: evil\n"}]: ${file:./secrets/anthropic} # &a *b';
  assert.equal((await room.setup("agent", "--id", "eve", "--name", name, "--character", "x: {y}")).code, 0);
  const { stdout } = await room.agent("config", "explain", "agents.eve.system_prompt", "--json");
  assert.ok(
    JSON.stringify(JSON.parse(stdout)).includes(JSON.stringify(`You are ${name}. x: {y}`).slice(1, -1)),
    stdout,
  );
  assert.match((await room.agent("config", "check")).stdout, /2 agents/);

  const before = await room.snapshot();
  for (const id of ["../x", "a b", "A", "x\ny", "", "a/b", "-x"]) {
    assert.equal((await room.setup("agent", "--id", id)).code, 2, JSON.stringify(id));
    const token = await room.file("token", "1:a");
    assert.equal((await room.setup("telegram", "--instance", id, "--token-file", token, "--offline")).code, 2);
  }
  for (const token of ["", "\n", "1:a\n2:b", "1:a\u0000", "1:a\u001b[2J"]) {
    const file = await room.file("token", token);
    const { code, stderr } = await room.setup("telegram", "--token-file", file, "--offline");
    assert.equal(code, 2, JSON.stringify(token));
    assert.ok(token.trim() === "" || !stderr.includes(token.trim()));
  }
  assert.deepEqual(await room.snapshot(), before);
});
