import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("neither logs nor metrics nor probes hold what people write, who they are, tokens or keys", async () => {
  await using model = openFakeModel();
  const botToken = "7712345678:AAhdqTcvCH1vGWJxfSeofSAs0K5PALDsawE";
  const apiKey = "an-odd-key-without-any-known-shape";
  await using telegram = await openFakeBotApi({ token: botToken });
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({
        modelUrl: model.baseUrl,
        telegram,
        provider: { api_key: apiKey },
        agent: { inbound_bindings: [{ plugin: "telegram", instance: "main", allow_from: [1, 3] }] },
        runtime: { log: { level: "debug" } },
      }),
    },
  });
  const box = newBlackBox(nexo);
  const said = "quinquereme-of-nineveh";
  await model.setRules([
    { when: "refuse", act: "status", status: 400 },
    { when: "crash", act: "garbage" },
    { when: "cut", act: "cut" },
    { when: "badtool", act: "call", tool: `no_${"quinquereme"}`, toolArguments: `{"x": "${said}"`, times: 1 },
  ]);
  telegram.fail("sendMessage", { status: 400, after: 3 });
  telegram.fail("sendMessage", { status: 500, after: 1 });
  for (const chat of [1, 2, 3]) {
    for (const kind of ["plain", "refuse", "crash", "cut", "badtool"]) {
      telegram.inject({ chat, text: `${kind} ${said}`, extra: { caption: said } });
    }
  }
  telegram.inject({ update: { message: { message_id: said, text: said } } });
  await box.chat({ user: "person-quinquereme", text: `refuse ${said}`, key: "key-quinquereme" });
  await box.chat({ user: "person-quinquereme", text: `plain ${said}` });
  await box.request("/v1/chat/completions", { method: "POST", body: `{"model": "${said}` }).then((r) =>
    r.body?.cancel()
  );
  await box.request(`/api/sessions?search=${said}`).then((r) => r.body?.cancel());
  await box.request(`/nothing/${nexo.token}`).then((r) => r.body?.cancel());
  await fetch(`${nexo.admin}/api/status`, { headers: { authorization: `Bearer ${said}` } }).then((r) =>
    r.body?.cancel()
  );
  await telegram.drained(soon());
  await eventually(async () => await box.metric("nexo_queue_depth", '"inbox"') === 0, "all is answered");
  const texts = [
    nexo.stderr().join("\n"),
    await (await fetch(`${nexo.metrics}/metrics`)).text(),
    (await box.ready()).text,
    JSON.stringify(await box.get("/api/status")),
  ];
  for (const text of texts) {
    for (const secret of ["quinquereme", botToken, botToken.split(":")[1] ?? "", apiKey, nexo.token]) {
      const line = text.split("\n").find((candidate) => candidate.includes(secret));
      assert.equal(line, undefined);
    }
  }
});
