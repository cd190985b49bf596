import assert from "node:assert/strict";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

Deno.test("one key is one turn: at the same time, afterwards, streamed or not", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const box = newBlackBox(nexo);
  await model.setRules([{ act: "hold", times: 1 }]);
  const question = { agent: "ana", user: "u", text: "hello", key: "k1" };
  const both = [box.chat(question), ask(nexo, question), box.chat(question)];
  await model.requests({ held: 1 });
  await model.release();
  for (const answer of await Promise.all(both)) assert.equal(answer.text, "answer to: hello");
  assert.equal((await box.chat(question)).text, "answer to: hello");
  assert.equal((await ask(nexo, question)).text, "answer to: hello");
  assert.equal((await model.requests()).length, 1);
});

Deno.test("the same key of another user, or of another agent, is another turn; without a key each is its own", async () => {
  await using model = openFakeModel();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const ben = { id: "ben", model: { provider: "fake", model: "fake-1" } };
  await using nexo = await startNexo({ config: { ...config, "agents.d/ben.yaml": { agents: [ben] } } });
  const box = newBlackBox(nexo);
  for (const user of ["u1", "u2"]) {
    for (const agent of ["ana", "ben"]) {
      const text = `I am ${user} for ${agent}`;
      assert.equal((await box.chat({ agent, user, text, key: "same" })).text, `answer to: ${text}`);
    }
  }
  assert.equal((await model.requests()).length, 4);
  await box.chat({ user: "u1", text: "again" });
  await box.chat({ user: "u1", text: "again" });
  assert.equal((await model.requests()).length, 6);
});

Deno.test("a key that comes with another text is refused, before and after the answer, and across a restart", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const first = { user: "u", text: "first", key: "k" };
  const second = { user: "u", text: "second", key: "k" };
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    const box = newBlackBox(nexo);
    await model.setRules([{ act: "hold", times: 1 }]);
    const answer = box.chat(first);
    await model.requests({ held: 1 });
    assert.equal((await box.chat(second)).status, 409);
    await model.release();
    assert.equal((await answer).text, "answer to: first");
    assert.equal((await box.chat(second)).status, 409);
    assert.equal((await box.chat(first)).text, "answer to: first");
  }
  await using nexo = await startNexo({ config, dataDir: data.path });
  const box = newBlackBox(nexo);
  assert.equal((await box.chat(second)).status, 409);
  assert.equal((await box.chat(first)).text, "answer to: first");
  assert.equal((await model.requests()).length, 1);
});

for (
  const { name, rule, untilHeld } of [
    { name: "before the model answers", rule: { act: "hang", times: 1 }, untilHeld: false },
    { name: "in the middle of the stream", rule: { act: "hold", times: 1, pieces: 1 }, untilHeld: true },
  ] as const
) {
  Deno.test(`a request killed ${name} is answered once when it is asked again with its key`, async () => {
    await using model = openFakeModel();
    await using data = await openTempDir();
    const config = newTestConfig({ modelUrl: model.baseUrl });
    const question = { agent: "ana", user: "u", text: "hello there", key: "k" };
    await model.setRules([rule]);
    {
      await using nexo = await startNexo({ config, dataDir: data.path });
      const lost = ask(nexo, question).catch((error: unknown) => error);
      await model.requests(untilHeld ? { held: 1 } : { atLeast: 1 });
      nexo.kill("SIGKILL");
      await nexo.stopped;
      await lost;
    }
    await model.release();
    await using nexo = await startNexo({ config, dataDir: data.path });
    assert.equal((await newBlackBox(nexo).chat(question)).text, "answer to: hello there");
    assert.equal((await newBlackBox(nexo).chat(question)).text, "answer to: hello there");
    assert.equal((await model.requests()).length, 2);
  });
}

Deno.test("an answered key answers again after a kill, without the model", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const question = { agent: "ana", user: "u", text: "hello", key: "k" };
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await ask(nexo, question);
    nexo.kill("SIGKILL");
    await nexo.stopped;
  }
  await using nexo = await startNexo({ config, dataDir: data.path });
  assert.equal((await newBlackBox(nexo).chat(question)).text, "answer to: hello");
  const streamed = await ask(nexo, question);
  assert.ok(streamed.complete);
  assert.equal(streamed.text, "answer to: hello");
  assert.equal((await model.requests()).length, 1);
});

Deno.test("a hundred parallel requests of one conversation get each its own answer", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const box = newBlackBox(nexo);
  const texts = Array.from({ length: 100 }, (_, index) => `number ${index}.`);
  const answers = await Promise.all(texts.map((text) => box.chat({ user: "u", text })));
  assert.deepEqual(answers.map(({ text }) => text), texts.map((text) => `answer to: ${text}`));
  const asked = (await model.requests()).map(({ userText }) => userText);
  assert.deepEqual(asked.toSorted(), texts.toSorted());
});

Deno.test("two users at the same time do not wait for each other", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const box = newBlackBox(nexo);
  await model.setRules([{ when: "slow", act: "hold" }]);
  const slow = box.chat({ user: "a", text: "slow" });
  await model.requests({ held: 1 });
  assert.equal((await box.chat({ user: "b", text: "quick" })).text, "answer to: quick");
  await model.release();
  assert.equal((await slow).text, "answer to: slow");
});

Deno.test("a thousand requests at once are answered, or refused with the time to come back", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: newTestConfig({ modelUrl: model.baseUrl, runtime: { limits: { max_waiting_messages: 300 } } }),
  });
  const box = newBlackBox(nexo);
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => box.chat({ user: `u${index}`, text: `text ${index}` })),
  );
  const refused = answers.filter(({ status }) => status !== 200);
  for (const { status, headers, text } of refused) {
    assert.equal(status, 503, text);
    assert.ok(Number(headers.get("retry-after")) > 0, text);
  }
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 200) assert.equal(answer.text, `answer to: text ${index}`);
  }
  assert.equal((await model.requests()).length, answers.length - refused.length);
});
