import assert from "node:assert/strict";
import { readManifest } from "../../src/extensions/manifest.ts";
import { sdkImports } from "../../src/extensions/stdio.ts";
import type { ExtensionWorld } from "./world.ts";
import { openExtensionWorld, textOf } from "./world.ts";

const shipped = new URL("../../extensions/", import.meta.url).pathname;
const names = ["calculator", "fetch-url", "github", "rss", "weather"];

/** Copies a shipped extension into the world, allowed to reach `place` too, and opens it. */
async function openShipped(world: ExtensionWorld, id: string, place?: string): Promise<void> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(`${shipped}${id}`)) {
    files[name] = await Deno.readTextFile(`${shipped}${id}/${name}`);
  }
  const manifest = files["plugin.toml"] ?? "";
  files["plugin.toml"] = place === undefined ? manifest : manifest.replace(/^net = .*$/m, `net = ["${place}"]`);
  await world.write(id, files);
  await world.open();
  await world.enable(id);
}

/** A fake service; what it is asked is in `asked`. */
function openService(answers: Readonly<Record<string, unknown>>) {
  const asked: { readonly path: string; readonly authorization: string | null }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    asked.push({ path: pathname + search, authorization: request.headers.get("authorization") });
    const answer = answers[pathname];
    if (answer === undefined) return Response.json({ message: "Not Found" }, { status: 404 });
    if (typeof answer !== "string") return Response.json(answer);
    const type = answer.startsWith("<html") ? "text/html; charset=utf-8" : "application/xml";
    return new Response(answer, { headers: { "content-type": type } });
  });
  const place = `127.0.0.1:${server.addr.port}`;
  return { asked, place, url: `http://${place}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("every shipped extension has a manifest that can be read, under its folder's name", async () => {
  const found = (await Array.fromAsync(Deno.readDir(shipped))).map(({ name }) => name).sort();
  assert.deepEqual(found, names);
  for (const name of names) assert.equal((await readManifest(`${shipped}${name}`)).id, name);
});

Deno.test("every shipped extension type-checks", async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "check",
      "--quiet",
      "--no-config",
      `--import-map=data:application/json,${encodeURIComponent(JSON.stringify({ imports: sdkImports() }))}`,
      ...names.map((name) => `${shipped}${name}/main.ts`),
    ],
    stdout: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});

Deno.test("calculator works out expressions and converts units", async () => {
  await using world = await openExtensionWorld();
  await openShipped(world, "calculator");
  const evaluate = async (expression: string) => textOf(await world.call("ext_calculator_evaluate", { expression }));
  assert.equal(await evaluate("2 + 3 * 4"), "2 + 3 * 4 = 14");
  assert.equal(await evaluate("-2^2 + sqrt(16) * (1 - 3)"), "-2^2 + sqrt(16) * (1 - 3) = -12");
  assert.equal(await evaluate("2^3^2"), "2^3^2 = 512");
  assert.equal(await evaluate("round(pi * 1e3)"), "round(pi * 1e3) = 3142");
  for (
    const [bad, why] of [["1 +", /ends too early/], ["1/0", /by zero/], ["constructor(1)", /means nothing/], [
      "(1",
      /not closed/,
    ], ["(".repeat(900), /too deeply/]] as const
  ) {
    const result = await world.call("ext_calculator_evaluate", { expression: bad });
    assert.equal(result.isError, true);
    assert.match(textOf(result), why);
  }
  assert.equal(
    textOf(await world.call("ext_calculator_convert", { value: 98.6, from: "F", to: "C" })),
    "98.6 F = 37 C",
  );
  assert.equal(
    textOf(await world.call("ext_calculator_convert", { value: 3, from: "mi", to: "km" })),
    "3 mi = 4.828032 km",
  );
  assert.match(
    textOf(await world.call("ext_calculator_convert", { value: 1, from: "kg", to: "m" })),
    /kg is a mass, m a length/,
  );
});

Deno.test("weather tells now and the next days, and says when it knows no such place", async () => {
  await using service = openService({
    "/v1/search": { results: [{ name: "Lima", country: "Peru", latitude: -12.04, longitude: -77.03 }] },
    "/v1/forecast": {
      current: {
        time: "2026-11-22T10:00",
        temperature_2m: 21.5,
        apparent_temperature: 22,
        relative_humidity_2m: 80,
        precipitation: 0,
        wind_speed_10m: 9,
        weather_code: 2,
      },
      daily: {
        time: ["2026-11-22"],
        weather_code: [61],
        temperature_2m_max: [24],
        temperature_2m_min: [18],
        precipitation_sum: [1.5],
      },
    },
  });
  await using world = await openExtensionWorld({ env: { OPEN_METEO_URL: service.url } });
  await openShipped(world, "weather", service.place);
  const now = textOf(await world.call("ext_weather_current", { place: "Lima" }));
  assert.match(now, /"place":"Lima, Peru".*"weather":"partly cloudy","temperature_celsius":21.5/);
  const days = textOf(await world.call("ext_weather_forecast", { place: "Lima", days: 1 }));
  assert.match(days, /"day":"2026-11-22","weather":"rain","highest_celsius":24/);
  assert.match(service.asked.at(-1)?.path ?? "", /latitude=-12.04&longitude=-77.03.*forecast_days=1/);
  await using nowhere = openService({ "/v1/search": {} });
  await using other = await openExtensionWorld({ env: { OPEN_METEO_URL: nowhere.url } });
  await openShipped(other, "weather", nowhere.place);
  const unknown = await other.call("ext_weather_current", { place: "Atlantis" });
  assert.equal(unknown.isError, true);
  assert.equal(textOf(unknown), "There is no place called Atlantis");
});

Deno.test("a service that answers something else is a failure that says so, or nothing known", async () => {
  await using service = openService({
    "/v1/search": { results: [{ name: "Lima", latitude: -12.04, longitude: -77.03 }] },
    "/v1/forecast": ["nothing", null],
    "/repos/o/r/pulls": { items: [] },
    "/repos/o/r/pulls/1": { head: null },
  });
  await using world = await openExtensionWorld({ env: { OPEN_METEO_URL: service.url } });
  await openShipped(world, "weather", service.place);
  assert.match(
    textOf(await world.call("ext_weather_current", { place: "Lima" })),
    /"place":"Lima".*"weather":"unknown"/,
  );
  assert.match(textOf(await world.call("ext_weather_forecast", { place: "Lima" })), /"days":\[\]/);
  await using other = await openExtensionWorld({ env: { GITHUB_API_URL: service.url } });
  await openShipped(other, "github", service.place);
  for (const [tool, input] of [["pr_list", {}], ["pr_checks", { number: 1 }]] as const) {
    const result = await other.call(`ext_github_${tool}`, { repo: "o/r", ...input });
    assert.equal(result.isError, true);
    assert.match(textOf(result), /GitHub's answer is none that this extension knows/);
  }
});

Deno.test("fetch-url gives the text of a page, as a stranger's, and nothing of the own network", async () => {
  const page =
    "<html><head><title>x</title></head><body><script>evil()</script><p>Hello &amp; welcome</p><p>&#8364; 5</p></body></html>";
  await using service = openService({ "/page": page });
  await using world = await openExtensionWorld({ env: { FETCH_URL_ALLOW_PRIVATE: service.place } });
  await openShipped(world, "fetch-url");
  const result = await world.call("ext_fetch_url_fetch", { url: `${service.url}/page` });
  assert.equal(result.untrusted, true);
  assert.match(textOf(result), /"status":200.*"text":"Hello & welcome\\n€ 5"/);
  const inner = await world.call("ext_fetch_url_fetch", { url: "http://127.0.0.1:1/" });
  assert.equal(inner.isError, true);
  assert.match(textOf(inner), /not on the public network/);
});

Deno.test("rss reads RSS and Atom", async () => {
  const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
    <item><title><![CDATA[First & best]]></title><link>https://a.example/1</link><pubDate>Sun, 22 Nov 2026 10:00:00 GMT</pubDate><description>&lt;p&gt;A &amp;amp; B&lt;/p&gt;</description></item>
    <item><title>Second</title></item></channel></rss>`;
  const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>Log</title>
    <entry><title type="html">One</title><link rel="alternate" href="https://b.example/1"/><updated>2026-11-22T10:00:00Z</updated><summary>short</summary></entry></feed>`;
  await using service = openService({ "/rss": rss, "/atom": atom, "/other": "<x/>" });
  await using world = await openExtensionWorld({ env: { RSS_ALLOW_PRIVATE: service.place } });
  await openShipped(world, "rss");
  const feed = async (path: string, limit = 10) =>
    textOf(await world.call("ext_rss_fetch_feed", { url: service.url + path, limit }));
  assert.match(
    await feed("/rss", 1),
    /"title":"News","entries":\[{"title":"First & best","link":"https:\/\/a.example\/1".*"summary":"A & B"}\]/,
  );
  assert.match(
    await feed("/atom"),
    /"title":"Log","entries":\[{"title":"One","link":"https:\/\/b.example\/1","published":"2026-11-22T10:00:00Z","summary":"short"}\]/,
  );
  assert.match(await feed("/other"), /is no feed/);
});

Deno.test("github reads pull requests, checks and issues with the token that it was given", async () => {
  const pull = {
    number: 7,
    title: "Better",
    state: "open",
    user: { login: "ana" },
    created_at: "2026-11-01",
    html_url: "https://github.com/o/r/pull/7",
  };
  await using service = openService({
    "/repos/o/r/pulls": [pull],
    "/repos/o/r/pulls/7": {
      ...pull,
      body: "why",
      base: { ref: "main" },
      head: { ref: "better", sha: "abc" },
      merged: false,
      changed_files: 1,
      additions: 2,
      deletions: 3,
    },
    "/repos/o/r/commits/abc/check-runs": {
      check_runs: [{ name: "test", status: "completed", conclusion: "success", id: 1 }],
    },
    "/repos/o/r/issues": [{ ...pull, pull_request: {} }, { ...pull, number: 8, title: "A bug" }],
  });
  await using world = await openExtensionWorld({
    env: { GITHUB_API_URL: service.url, GITHUB_TOKEN: "ghx_a_secret_token" },
  });
  await openShipped(world, "github", service.place);
  const call = async (tool: string, input: unknown) => textOf(await world.call(`ext_github_${tool}`, input));
  assert.match(await call("pr_list", { repo: "o/r" }), /"number":7,"title":"Better","state":"open","author":"ana"/);
  assert.match(await call("pr_view", { repo: "o/r", number: 7 }), /"body":"why","base":"main","head":"better"/);
  assert.match(
    await call("pr_checks", { repo: "o/r", number: 7 }),
    /"checks":\[{"name":"test","status":"completed","conclusion":"success"}\]/,
  );
  const issues = await call("issue_list", { repo: "o/r" });
  assert.match(issues, /A bug/);
  assert.doesNotMatch(issues, /Better/);
  assert.match(await call("pr_list", { repo: "o/none" }), /no such repository/);
  assert.match(await call("pr_list", { repo: "../../etc" }), /is no repository/);
  assert.deepEqual(
    new Set(service.asked.map(({ authorization }) => authorization)),
    new Set(["Bearer ghx_a_secret_token"]),
  );
});
