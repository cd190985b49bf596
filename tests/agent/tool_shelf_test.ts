import assert from "node:assert/strict";
import type { LlmRequest } from "../../src/core/llm.ts";
import { newToolShelf } from "../../src/agent/tool_shelf.ts";
import { callTools, lastText, newTool, openRoom, type RoomOptions } from "./room.ts";

const many = Array.from({ length: 300 }, (_, index) => newTool(`mcp_s_tool${index}`, { lazy: true }));
const weather = newTool("mcp_s_forecast", { lazy: true, description: "Tells the weather of tomorrow" });
const options: RoomOptions = {
  agents: [{ allowed_tools: ["*"] }],
  tools: [...many, weather, newTool("core")],
  script(request) {
    const last = request.messages.at(-1);
    if (last?.role !== "tool") return callTools([["tool_search", { query: "weather tomorrow" }]]);
    return last.results[0]?.name === "tool_search" ? callTools(["mcp_s_forecast"]) : lastText(request);
  },
};
const namesOf = (request: LlmRequest | undefined) => request?.tools.map(({ name }) => name) ?? [];

Deno.test("an agent with hundreds of tools is shown a search, and what it finds can be called in that turn", async () => {
  await using room = await openRoom(options);
  await room.say("what will it be like?");
  const [sent] = await room.untilSent(1);
  assert.equal(sent?.text, "mcp_s_forecast done");
  const [first, second, third] = room.requests;
  assert.deepEqual(namesOf(first).filter((name) => name.startsWith("mcp_")), []);
  assert.ok(["core", "tool_search"].every((name) => namesOf(first).includes(name)));
  assert.deepEqual(namesOf(second).filter((name) => name.startsWith("mcp_")), ["mcp_s_forecast"]);
  assert.deepEqual(namesOf(third), namesOf(second));
});

Deno.test("a turn that goes on after a crash still shows what its search had found", async () => {
  await using room = await openRoom(options);
  const died = room.dieAt((unit) => unit.some(({ values }) => values.includes("mcp_s_forecast")), "before");
  await room.say("what will it be like?");
  await died;
  await room.restart();
  await room.untilSent(1);
  const last = room.requests.at(-1);
  assert.ok(namesOf(last).includes("mcp_s_forecast"));
  assert.equal(room.sent[0]?.text, "mcp_s_forecast done");
});

Deno.test("few tools are all shown, and the list keeps its identity", () => {
  const few = new Map(many.slice(0, 100).map((tool) => [tool.name, tool]));
  const shelf = newToolShelf(few, 100);
  assert.equal(shelf.shown([]).length, 100);
  assert.equal(shelf.shown([]), shelf.shown([{ role: "user", content: [] }]));
  assert.equal(shelf.tools.has("tool_search"), false);
  const searching = newToolShelf(few, 99);
  assert.deepEqual(searching.shown([]).map(({ name }) => name), ["tool_search"]);
  assert.equal(searching.shown([]), searching.shown([]));
});
