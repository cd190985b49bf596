import { newChats } from "../e2e/chats.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { type NatsServer, startNatsServer } from "../fixtures/nats_server.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newAgentsConfig, newPluginConfig } from "./shared_config.ts";

const updates = 200;
const kills = 20;

/** Kills the server at random moments of the load and starts it again. */
async function killAgainAndAgain(server: NatsServer): Promise<void> {
  for (let round = 0; round < kills; round++) {
    // The moment is the point: anywhere between two events.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
    await server.start();
  }
}

Deno.test("every update is answered once although the server between plugin and agent is killed twenty times", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using server = await startNatsServer();
  await using agentData = await openTempDir();
  await using _plugin = await startNexo({ config: newPluginConfig(server.url, telegram) });
  const agents = newAgentsConfig(server.url, model.baseUrl, ["ana"]);
  {
    await using _agent = await startNexo({ config: agents, dataDir: agentData.path });
    const chats = newChats(telegram);
    const killing = killAgainAndAgain(server);
    for (let update = 0; update < updates; update++) {
      chats.write(1 + update % 20);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await killing;
    await chats.answered(AbortSignal.timeout(120_000));
    await _agent[Symbol.asyncDispose]();
    chats.check(agentData.path);
  }
});
