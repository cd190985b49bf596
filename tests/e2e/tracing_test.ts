import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { openCollector } from "./collector.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("a chat message and a program's request are one trace each, from receive to send", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using collector = openCollector();
  {
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram }),
      env: {
        OTEL_DENO: "true",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_BSP_SCHEDULE_DELAY: "100",
      },
    });
    telegram.inject({ chat: 1, text: 'tool:calculate {"expression": "1+1"}' });
    await telegram.nextSent(() => true, soon());
    await newBlackBox(nexo).chat({ user: "u", text: "hello" });
    await collector.until((spans) => spans.filter(({ name }) => name.includes("send")).length >= 2, soon());
  }
  const traces = Map.groupBy(collector.spans(), ({ traceId }) => traceId);
  const named = [...traces.values()].map((spans) => spans.map(({ name }) => name));

  const turns = named.filter((names) => names.some((name) => name.includes("turn")));
  assert.equal(turns.length, 2, JSON.stringify(named));
  for (const names of turns) {
    for (const part of ["receive", "turn", "send"]) {
      assert.ok(names.some((name) => name.includes(part)), `${part} in ${names}`);
    }
  }
});
