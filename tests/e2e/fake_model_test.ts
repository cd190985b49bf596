import assert from "node:assert/strict";
import { openFakeModel } from "../fixtures/fake_model.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function complete(baseUrl: string, text: string, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ stream: true, messages: [{ role: "user", content: text }] }),
    signal: signal ?? null,
  });
  return { status: response.status, body: await response.text() };
}

Deno.test("fake model echoes the last user text in pieces", async () => {
  await using model = openFakeModel();
  const { body } = await complete(model.baseUrl, "a text that is longer than one piece of the stream");
  const pieces = [...body.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece);
  assert.equal(pieces.join(""), "answer to: a text that is longer than one piece of the stream");
  assert.ok(pieces.length > 1);
  assert.match(body, /data: \[DONE\]\n\n$/);
});

Deno.test("fake model calls the tools that the text names", async () => {
  await using model = openFakeModel();
  const { body } = await complete(model.baseUrl, 'look\ntool:one {"a":1}\ntool:two');
  assert.match(body, /"name":"one","arguments":"\{\\"a\\":1\}"/);
  assert.match(body, /"name":"two","arguments":"\{\}"/);
  assert.match(body, /"finish_reason":"tool_calls"/);
});

Deno.test("fake model goes wrong as its rules say, each as often as it says", async () => {
  await using model = openFakeModel();
  await model.setRules([
    { act: "status", status: 429, times: 2 },
    { act: "cut", times: 1 },
    { act: "garbage", times: 1 },
  ]);
  assert.equal((await complete(model.baseUrl, "one")).status, 429);
  assert.equal((await complete(model.baseUrl, "two")).status, 429);
  await assert.rejects(complete(model.baseUrl, "a text that is longer than one piece of the stream"));
  assert.match((await complete(model.baseUrl, "four")).body, /<html>/);
  assert.match((await complete(model.baseUrl, "five")).body, /answer to: five/);
});

Deno.test("fake model holds an answer until it is released", async () => {
  await using model = openFakeModel();
  await model.setRules([{ act: "hold" }]);
  const answer = complete(model.baseUrl, "a text that is longer than one piece of the stream");
  await model.requests({ held: 1 });
  assert.equal(await model.release(), 1);
  assert.match((await answer).body, /data: \[DONE\]/);
});

Deno.test("fake model notices that a client has left", async () => {
  await using model = openFakeModel();
  await model.setRules([{ act: "endless", when: "endless" }, { act: "hang", when: "hang" }]);
  for (const text of ["endless", "hang"]) {
    const client = new AbortController();
    const answer = complete(model.baseUrl, text, client.signal);
    await model.requests({ atLeast: 1 });
    client.abort();
    await assert.rejects(answer);
    await model.requests({ left: 1 });
    await model.forget();
  }
});
