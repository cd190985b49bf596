import assert from "node:assert/strict";
import { loadFaulty, loadGood, oneAgent, toLines } from "./loading.ts";

Deno.test("faults of mcp.yaml are told with their places", async () => {
  const faults = await loadFaulty({
    "agents.yaml": oneAgent,
    "mcp.yaml": `servers:
  wiki:
    url: ftp://wiki
  files:
    command: files
    reed: [/srv]
  both:
    url: http://a/mcp
    command: b
  writer:
    url: https://w/mcp
    sampling: { agent: bob }
  files-more:
    command: more
    write: [srv]
serve:
  tokens:
    - name: laptop
      token: short
      agent: bob
`,
  });
  assert.deepEqual(toLines(faults), [
    'mcp.yaml:3 servers.wiki.url: "ftp://wiki" must be an http:// or https:// address',
    'mcp.yaml:6 servers.files.reed: unknown key. Did you mean "read"?',
    "mcp.yaml:8 servers.both.url: does not go with the keys beside it",
    'mcp.yaml:12 servers.writer.sampling.agent: there is no agent "bob".',
    'mcp.yaml:15 servers.files-more.write[0]: "srv" must begin with /',
    "mcp.yaml:19 serve.tokens[0].token: must have at least 16 characters",
    'mcp.yaml:20 serve.tokens[0].agent: there is no agent "bob".',
  ]);
});

Deno.test("secrets of mcp.yaml come by reference and are never shown", async () => {
  const { config } = await loadGood({
    "agents.yaml": oneAgent,
    "mcp.yaml": `servers:
  wiki: { url: "https://wiki/mcp", headers: { Authorization: "Bearer \${TOKEN}" } }
  files: { command: files, env: { KEY: "\${TOKEN}" } }
serve: { tokens: [{ name: laptop, token: "\${TOKEN}", agent: ana }] }
`,
  }, { env: { TOKEN: "s3cret-s3cret-s3cret" } });
  assert.ok(!JSON.stringify(config).includes("s3cret"));
  const wiki = config.mcp.servers["wiki"];
  assert.equal(
    wiki !== undefined && "url" in wiki && wiki.headers["Authorization"]?.reveal(),
    "Bearer s3cret-s3cret-s3cret",
  );
});
