import { connect, type NatsConnection } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { z } from "zod";
import { eventually, newBlackBox } from "../e2e/black_box.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { startNatsServer } from "../fixtures/nats_server.ts";
import { type ConfigFiles, startNexo } from "../fixtures/nexo_process.ts";
import { newAgentsConfig } from "./shared_config.ts";

const soon = () => AbortSignal.timeout(60_000);
const listSchema = z.object({
  items: z.array(
    z.object({ hop: z.string(), subject: z.string(), reason: z.string().nullable(), message: z.string() }),
  ),
});

/** One process whose only Telegram account has the name that needs no naming. */
function newConfig(natsUrl: string, modelUrl: string, telegram: { url: string; token: string }): ConfigFiles {
  const files = newAgentsConfig(natsUrl, modelUrl, []);
  return {
    ...files,
    "agents.yaml": {
      agents: [{
        id: "ana",
        model: { provider: "fake", model: "fake-1" },
        inbound_bindings: [{ plugin: "telegram", open: true }],
        config: { debounce_ms: 0 },
      }],
    },
    "plugins/telegram.yaml": { telegram: [{ token: telegram.token, api_root: telegram.url }] },
  };
}

function toInbound(id: string, more: Record<string, unknown> = {}): string {
  const message = { conversation: "42", providerMessageId: id, sender: { id: "42" }, text: `hello ${id}` };
  return JSON.stringify({ plugin: "telegram", message, ...more });
}

/** Another program. */
async function openProgram(port: number): Promise<NatsConnection & AsyncDisposable> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

for (const jetStream of [true, false]) {
  Deno.test(`a program outside speaks and listens on the subjects, ${jetStream ? "with" : "without"} JetStream`, async () => {
    await using server = await startNatsServer({ jetStream });
    await using program = await openProgram(server.port);
    const health = program.subscribe("plugin.health.telegram");
    const turns = program.subscribe("agent.events.ana", { max: 1 });
    await program.flush();
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    await using nexo = await startNexo({ config: newConfig(server.url, model.baseUrl, telegram) });

    for await (const message of health) {
      const { payload } = message.json<{ payload: Record<string, unknown> }>();
      assert.deepEqual([payload["plugin"], payload["instance"]], ["telegram", "default"]);
      if (payload["state"] === "up") break;
    }
    for (
      const [subject, id, more] of [
        ["plugin.inbound.telegram", "bare", {}],
        ["plugin.inbound.telegram", "named", { instance: "default" }],
        ["plugin.inbound.telegram.default", "whole", { instance: "default" }],
        ["plugin.inbound.telegram.default", "short", {}],
      ] as const
    ) {
      program.publish(subject, toInbound(id, more));
      await telegram.nextSent(({ text }) => text.includes(`answer to: hello ${id}`), soon());
    }
    program.publish("plugin.inbound.telegram.default", toInbound("bare"));
    for await (const message of turns) {
      assert.equal(message.json<{ payload: { type: string } }>().payload.type, "started");
    }

    const receipt = await program.request(
      "plugin.outbound.telegram",
      JSON.stringify({ key: "from outside", conversation: "42", text: "out of the blue" }),
      { timeout: 10_000 },
    );
    assert.match(receipt.string(), /^\{"ok":\{"providerMessageIds":\["\d+"\]\}\}$/);
    const refused = await program.request("plugin.outbound.telegram.default", JSON.stringify({ text: "x" }));
    assert.match(refused.string(), /"error":\{"kind":"invalid".*key/);

    program.publish("plugin.inbound.telegram", toInbound("foreign", { instance: "sales" }));
    program.publish("plugin.inbound.telegram", `{"plugin":"telegram"}`);
    program.publish("taskflow.resume", JSON.stringify({ flowId: "f1", topic: "approved", data: { by: "ben" } }));
    program.publish("taskflow.resume", JSON.stringify({ topic: "approved" }));
    const box = newBlackBox(nexo);
    const letters = async () => listSchema.parse(await box.get("/api/dead-letters")).items;
    await eventually(async () => (await letters()).length === 4, "dead letters");
    const found = (await letters()).map(({ hop, subject, reason, message }) =>
      `${hop} ${subject} ${reason} ${message}`
    );
    for (
      const pattern of [
        /^inbound plugin\.inbound\.telegram bad_payload .*belongs on plugin\.inbound\.telegram\.sales/,
        /^inbound plugin\.inbound\.telegram bad_payload .*message/,
        /^flow taskflow\.resume unknown_flow There is no flow f1/,
        /^inbound taskflow\.resume bad_payload .*flowId/,
      ]
    ) assert.ok(found.some((line) => pattern.test(line)), `${pattern} in\n${found.join("\n")}`);
    assert.equal(telegram.sent.filter(({ text }) => text.includes("hello bare")).length, 1);

    // What could not be read cannot be replayed, and does not stand in the way of what can.
    const countSchema = z.object({ count: z.number() });
    const replay = async (body: Record<string, unknown>) =>
      countSchema.parse(await box.post("/api/dead-letters/replay", body)).count;
    assert.equal(await replay({ filter: {}, dryRun: true }), 1);
    assert.equal(await replay({ filter: {} }), 1);
    await eventually(async () => (await letters()).filter(({ hop }) => hop === "flow").length === 1, "the flow again");
  });
}
