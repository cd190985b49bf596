import assert from "node:assert/strict";
import { withWellFormedBody } from "../../src/llm/well_formed.ts";

async function send(value: unknown): Promise<unknown> {
  let sent: unknown;
  const fetch = withWellFormedBody((_, init) => {
    sent = JSON.parse(String(init?.body));
    return Promise.resolve(new Response());
  });
  await fetch("http://127.0.0.1", { method: "POST", body: JSON.stringify(value) });
  return sent;
}

Deno.test("half a surrogate pair goes to no provider, and what looks like one in a text stays", async () => {
  for (
    const [text, expected] of [
      ["a\ud83db", "a\ufffdb"],
      ["\udc00\ud800", "\ufffd\ufffd"],
      ["\\\ud83d", "\\\ufffd"],
      ["\\ud83d", "\\ud83d"],
      ["\\\\ud83d \\\\\ud83d", "\\\\ud83d \\\\\ufffd"],
      ["👋 ok", "👋 ok"],
    ]
  ) assert.deepEqual(await send({ text, list: [text] }), { text: expected, list: [expected] });
});
