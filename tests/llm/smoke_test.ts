import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";

const script = fileURLToPath(new URL("../../scripts/llm_smoke.ts", import.meta.url));

async function runSmoke(providers: Record<string, unknown>) {
  const dir = await Deno.makeTempDir();
  try {
    // YAML takes JSON as it is.
    await Deno.writeTextFile(join(dir, "agents.yaml"), JSON.stringify({ agents: [{ id: "ana" }] }));
    await Deno.writeTextFile(join(dir, "llm.yaml"), JSON.stringify({ providers }));
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, "--config", dir],
      env: { NO_COLOR: "1" },
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("smoke script tries every provider with a key and fails when one does", async () => {
  await using good = openFakeOpenai();
  await using bad = openFakeOpenai();
  good.script({ type: "answer", calls: [{ id: "c1", name: "current_time", arguments: "{}" }] });
  bad.script({ type: "status", status: 401 });
  const kind = "openai_compatible";
  const { code, text } = await runSmoke({
    good: { kind, api_key: "k", base_url: good.baseUrl, default_model: "m1" },
    bad: { kind, api_key: "k", base_url: bad.baseUrl, default_model: "m2" },
    gemini: { api_key: "" },
  });
  assert.match(text, /providers\.gemini\.api_key is empty/);
  assert.match(text, /good +m1 +\d+ ms +\d+ ms +240 +14 +yes +ok/);
  assert.match(text, /bad +m2 +- .*refused the key/);
  assert.equal(code, 1);
  assert.equal(good.requests[1]?.toolResults.length, 1);
});

Deno.test("smoke script says so when only the demo model is there", async () => {
  const { code, text } = await runSmoke({ anthropic: { api_key: "" } });
  assert.match(text, /No provider has a key/);
  assert.match(text, /demo +demo .* yes +ok/);
  assert.equal(code, 0);
});
