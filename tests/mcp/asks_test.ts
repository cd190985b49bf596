import assert from "node:assert/strict";
import type { LlmMessage } from "../../src/core/llm.ts";
import { openMcpFixture } from "./mcp_room.ts";
import { newServerTool, openMcpServer } from "./mcp_server.ts";

/** A tool that asks for a sample and tells what came. */
const sampling = newServerTool("sample", async ({ server }) => {
  try {
    const { content, model } = await server.createMessage({
      messages: [{ role: "user", content: { type: "text", text: "How are you?" } }],
      systemPrompt: "Be short",
      maxTokens: 5_000,
    });
    return { content: [{ type: "text", text: `${model}: ${JSON.stringify(content)}` }] };
  } catch (thrown) {
    return { content: [{ type: "text", text: String(thrown) }], isError: true };
  }
});

/** A tool that asks the operator. */
const asking = newServerTool("ask", async ({ server }) => {
  const answer = await server.elicitInput({
    message: "Who are you?",
    requestedSchema: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
  });
  return { content: [{ type: "text", text: JSON.stringify(answer) }] };
});

const textOf = (result: { readonly content: readonly { readonly type: string }[] }) =>
  result.content.map((part) => "text" in part ? String(part.text) : "").join("");

Deno.test("a server may ask neither a model nor the operator unless the config says so", async () => {
  await using server = openMcpServer([sampling, asking]);
  await using mcp = await openMcpFixture({ s: { url: server.url } });
  await mcp.untilUp("s");
  assert.match(textOf(await mcp.call("mcp_s_sample")), /not found|does not support/);
  assert.equal(await mcp.call("mcp_s_ask").then((result) => result.isError, () => true), true);
  assert.deepEqual(mcp.room.questions(), []);
});

Deno.test("sampling goes to the agent's model within rate, length and tokens of a day", async () => {
  const asked: { messages: readonly LlmMessage[]; maxOutputTokens: number; agent: string; system: string }[] = [];
  await using server = openMcpServer([sampling]);
  const policy = { agent: "ana", max_tokens: 100, daily_tokens: 1_000, rate: { rps: 0.001, burst: 2 } };
  await using mcp = await openMcpFixture({ s: { url: server.url, sampling: policy } }, {
    sample: (question) => {
      asked.push(question);
      return Promise.resolve({ text: "Fine", model: "fake/m", tokens: 600 });
    },
  });
  await mcp.untilUp("s");
  assert.match(textOf(await mcp.call("mcp_s_sample")), /fake\/m: .*Fine/);
  assert.deepEqual(asked.map(({ agent, system, maxOutputTokens }) => [agent, system, maxOutputTokens]), [
    ["ana", "Be short", 100],
  ]);
  await mcp.call("mcp_s_sample");
  assert.match(textOf(await mcp.call("mcp_s_sample")), /tokens of this day are used up/);
  assert.equal(mcp.metrics.valueOf("nexo_refusals_total", { part: "mcp", reason: "sampling_budget" }), 1);
  mcp.configure({ s: { url: server.url, sampling: { ...policy, daily_tokens: 100_000 } } });
  await mcp.until(() => server.sessions === 2 ? true : undefined);
  await mcp.untilUp("s");
  for (let count = 0; count < 2; count++) await mcp.call("mcp_s_sample");
  assert.match(textOf(await mcp.call("mcp_s_sample")), /too often/);
});

Deno.test("a server's question waits for the operator, who answers, declines, or lets it pass", async () => {
  await using server = openMcpServer([asking]);
  await using mcp = await openMcpFixture({
    s: { url: server.url, elicitation: { timeout: "3s", rate: { rps: 0.001, burst: 3 } } },
  });
  await mcp.untilUp("s");
  const ask = mcp.call("mcp_s_ask");
  const question = await mcp.until(() => mcp.room.questions()[0]);
  assert.deepEqual([question.server, question.message], ["s", "Who are you?"]);
  assert.match(mcp.room.status()[0]?.reason ?? "", /agent mcp questions/);
  mcp.room.answer(question.id, { action: "accept", content: { name: "Eva" } });
  assert.match(textOf(await ask), /"action":"accept".*Eva/);
  const declined = mcp.call("mcp_s_ask");
  mcp.room.answer((await mcp.until(() => mcp.room.questions()[0])).id, { action: "decline" });
  assert.match(textOf(await declined), /decline/);
  assert.match(textOf(await mcp.call("mcp_s_ask")), /cancel/);
  assert.throws(() => mcp.room.answer(question.id, { action: "decline" }), { kind: "missing" });
  assert.equal(await mcp.call("mcp_s_ask").then((result) => result.isError, () => true), true);
});
