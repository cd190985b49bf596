import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import type { CrashPlan } from "../fixtures/crash_ledger.ts";
import { formatCrashPlan } from "../fixtures/crash_ledger.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";

interface Line {
  readonly role: string;
  readonly text: string;
  readonly summary?: boolean;
}

async function readTranscript(dataDir: string): Promise<readonly Line[]> {
  const { stdout } = await runAgent(["sessions", "export", "ana/api/ana/u", "--format", "jsonl", "--data", dataDir]);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

for (const when of ["before", "after"] as const) {
  Deno.test(`kill -9 ${when} a summary is written: nothing is lost, and the window goes on`, async () => {
    await using model = openFakeModel();
    await using data = await openTempDir();
    const config = {
      ...newTestConfig({ modelUrl: model.baseUrl }),
      "memory.yaml": { short_term: { max_history_turns: 8 } },
    };
    const start = (plan?: CrashPlan) =>
      startNexo({
        config,
        dataDir: data.path,
        entry: new URL("../fixtures/crash_main.ts", import.meta.url),
        env: plan === undefined ? {} : { CRASH_PLAN: formatCrashPlan(plan) },
      });
    let said = 0;
    {
      await using nexo = await start({ point: "S", when, nth: 1 });
      const box = newBlackBox(nexo);
      for (; said < 4; said++) await box.chat({ user: "u", text: `message ${said}.` });
      assert.equal((await nexo.stopped).signal, "SIGKILL");
    }
    {
      await using nexo = await start();
      const box = newBlackBox(nexo);
      for (; said < 6; said++) assert.equal((await box.chat({ user: "u", text: `message ${said}.` })).status, 200);
      await eventually(
        async () => (await readTranscript(data.path)).some(({ summary }) => summary === true),
        "the older part is summed up",
      );
      await box.chat({ user: "u", text: "the last." });
      // The next summary may be under way already.
      const last = (await model.requests()).find(({ userText }) => userText === "the last.");
      assert.match(JSON.stringify(last?.messages), /Summary of this conversation/);
    }
    const texts = (await readTranscript(data.path)).filter(({ role }) => role === "user").map(({ text }) => text);
    assert.deepEqual(texts, [...Array.from({ length: 6 }, (_, index) => `message ${index}.`), "the last."]);
  });
}
