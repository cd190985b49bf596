import assert from "node:assert/strict";
import type { ToolContext } from "../../src/core/tool.ts";
import { newSessionSearchTool, type SessionSearchDeps } from "../../src/tools/session_search.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";

type Asked = Parameters<SessionSearchDeps["search"]>[0];

const context: ToolContext = {
  agent: "ana",
  session: { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" },
  sessionId: "ana/telegram/sales/7",
  turnId: "t",
  isGroup: false,
  person: "telegram:7",
  idempotencyKey: "k",
  chain: [],
  deadlineAt: 0,
  signal: new AbortController().signal,
  log: newRecordedLog(),
};

const hit = {
  sessionId: "ana/telegram/sales/7",
  at: "2026-01-01T00:00:00.000Z",
  role: "user",
  author: "Eva",
  text: "a plum",
  untrusted: false,
};

async function searchAs(
  change: Partial<ToolContext>,
  options: { readonly all?: boolean; readonly hits?: [typeof hit] } = {},
) {
  const asked: Asked[] = [];
  const tool = newSessionSearchTool({
    search: (search) => {
      asked.push(search);
      return Promise.resolve(options.hits ?? []);
    },
    searchesAll: () => options.all ?? false,
  });
  const result = await tool.run({ query: "plum agent:bob", limit: 3 }, { ...context, ...change });
  return { asked: asked[0], result };
}

Deno.test("a search is within the agent and the person who asks, whatever the query says", async () => {
  const { asked } = await searchAs({});
  const within = { sessionId: context.sessionId, person: "telegram:7" };
  assert.deepEqual(asked, { agent: "ana", words: "plum agent:bob", limit: 3, within });
});

Deno.test("in a group, and for nobody in particular, it is within the session", async () => {
  for (const change of [{ isGroup: true }, { person: undefined }]) {
    const { asked } = await searchAs(change);
    assert.deepEqual(asked?.within, { sessionId: context.sessionId, person: undefined });
  }
});

Deno.test("an agent that may search all is not confined, and reads what it finds as strangers' text", async () => {
  const { asked, result } = await searchAs({ isGroup: true }, { all: true, hits: [hit] });
  assert.equal(asked?.within, undefined);
  assert.equal(asked?.agent, "ana");
  assert.equal(result.untrusted, true);
});

Deno.test("what strangers wrote stays theirs when it is found again", async () => {
  assert.equal((await searchAs({}, { hits: [hit] })).result.untrusted, undefined);
  assert.equal((await searchAs({}, { hits: [{ ...hit, untrusted: true }] })).result.untrusted, true);
});
