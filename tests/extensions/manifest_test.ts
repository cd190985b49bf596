import assert from "node:assert/strict";
import { describePermissions, parseManifest } from "../../src/extensions/manifest.ts";
import { toToolName } from "../../src/extensions/tools.ts";

const head = 'id = "one"\nversion = "1.0.0"\n';
const transport = '[transport]\ntype = "stdio"\ncommand = "./x"\n';
const tool = '[[tools]]\nname = "say"\n';

function faultOf(text: string): string {
  try {
    parseManifest(text, "plugin.toml");
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  return "";
}

Deno.test("a manifest with little in it has its defaults", () => {
  const manifest = parseManifest(head + transport + tool, "plugin.toml");
  assert.deepEqual(manifest.permissions, { net: [], read: [], write: [], env: [], run: [] });
  assert.deepEqual(manifest.limits, {
    memory_mb: 1_024,
    cpu_seconds: 600,
    processes: 256,
    calls: 16,
    handshake: 10_000,
    call: 30_000,
  });
  assert.deepEqual(manifest.tools, [{
    name: "say",
    effect: "once",
    untrusted: true,
    dangerous: false,
    parallel: false,
  }]);
});

Deno.test("a manifest with a fault is refused with the place and the reason", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["id = ", /plugin\.toml:1: /],
    [transport + tool, /id: /],
    [head.replace("one", "One") + transport + tool, /id: must be 1 to 32 lower-case/],
    [head.replace("one", "mcp") + transport + tool, /id: must not be one of/],
    [head.replace("1.0.0", "new") + transport + tool, /version: must be a version/],
    [`${head}surprise = 1\n${transport}${tool}`, /surprise/],
    [head + tool, /transport/],
    [`${head}[transport]\ntype = "carrier pigeon"\n${tool}`, /transport\.type/],
    [head + transport, /at least one tool or hook/],
    [head + transport + tool + tool, /tools: names say twice/],
    [head + transport + tool.replace("say", "Say it"), /tools\.0\.name: must be/],
    [
      `${head}${transport}${tool}[permissions]\nread = ["relative"]\n`,
      /permissions\.read\.0: must be an absolute path/,
    ],
    [
      `${head}${transport}${tool}[permissions]\nread = ["/a/../b"]\n`,
      /permissions\.read\.0: must hold no comma and no \.\./,
    ],
    [`${head}${transport}${tool}[permissions]\nenv = ["LD_PRELOAD"]\n`, /permissions\.env\.0: must not be a variable/],
    [`${head}${transport}${tool}[permissions]\nnet = ["http://x"]\n`, /permissions\.net\.0: must be a host/],
    [`${head}${transport}${tool}[limits]\ncall = "soon"\n`, /limits\.call: is no duration/],
    [`${head}${transport}[[hooks]]\non = "before_breakfast"\n`, /hooks\.0\.on/],
  ];
  for (const [text, fault] of cases) assert.match(faultOf(text), fault, text);
});

Deno.test("what an extension asks for reads as a list", () => {
  const permissions =
    '[permissions]\nnet = ["a.example", "b.example:443"]\nenv = ["KEY"]\nrun = ["git"]\nread = ["/srv"]\n';
  const hooks = '[[hooks]]\non = "before_message"\n';
  assert.deepEqual(describePermissions(parseManifest(head + transport + tool + hooks + permissions, "plugin.toml")), [
    "run ./x",
    "connect to a.example, b.example:443",
    "read /srv",
    "be given the variables KEY",
    "start git",
    "see and change what happens at before_message",
  ]);
});

Deno.test("names of tools are at most 64 characters long and differ", () => {
  assert.equal(toToolName("fetch-url", "fetch"), "ext_fetch_url_fetch");
  const names = ["a", "b"].map((end) => toToolName("x".repeat(32), "y".repeat(47) + end));
  assert.deepEqual(names.map((name) => name.length), [64, 64]);
  assert.notEqual(names[0], names[1]);
  assert.match(names[0] ?? "", /^[a-z0-9_]+$/);
});
