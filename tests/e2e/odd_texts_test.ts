import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(30_000);

/** Texts that programs have stumbled over. */
const texts = [
  "a\u0000b",
  "half \ud83d a pair",
  "\udc00",
  "\u202eabc\u202c",
  "👨‍👩‍👧‍👦",
  "'\";-- %_\\",
  "../../etc/passwd",
  "%00%ff%",
  "\u0001\u001b[31m\u007f",
  "\u200bzero\ufeff",
  'NEAR("a" AND OR NOT *',
  "__proto__",
  "a\r\nX-Evil: 1",
  "<script>alert(1)</script>",
  "${HOME}",
  "99999999999999999999999",
];

Deno.test("no text of a person, a program or a model breaks anything, wherever it stands", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  for (const [index, text] of texts.entries()) {
    const what = JSON.stringify(text);
    const whole = text.toWellFormed();
    assert.equal((await box.chat({ user: text, text })).status, 200, what);
    for (const path of ["/api/sessions?search=", "/api/sessions/search?q=", "/api/turns/", "/v1/models/", "/"]) {
      const response = await box.request(`${path}${encodeURIComponent(whole)}`);
      await response.body?.cancel();
      assert.ok(response.status < 500, `${path} ${what}: ${response.status}`);
    }
    const chat = index + 1;
    await model.setRules([{ text: `said ${text}`, times: 1 }]);
    const from = { id: chat, is_bot: false, first_name: text, username: text };
    telegram.inject({ chat, text: `heard ${text}`, extra: { from, reply_to_message: { message_id: 1, text, from } } });
    const { text: said } = await telegram.nextSent(({ chatId }) => chatId === chat, soon());
    assert.ok(said.startsWith("said") && said.isWellFormed(), what);
    const asked = JSON.stringify((await model.requests()).at(-1)?.messages);
    assert.ok(!/\\ud[89a-f]/.test(asked), `${what}: providers refuse half a pair`);
  }
  assert.equal(await box.metric("nexo_dead_letters_total"), 0);
  assert.deepEqual(nexo.stderr().filter((line) => line.includes('"level":"error"')), []);
});
