import assert from "node:assert/strict";
import { type Fact, factSchema } from "../../src/core/memory.ts";
import { newFakeTokens } from "./fake_tokens.ts";
import { type HttpFixture, logIn, openHttpFixture, token } from "./http_fixture.ts";

/** What changes nothing that is not written down elsewhere: a look, and what the ledger has as messages and turns. */
const elsewhere = [
  "POST /api/config/check",
  "POST /api/chat",
  "POST /v1/chat/completions",
  "ALL /mcp",
];

/** A body for each route that changes something; numbers and names in paths become `1`. */
const bodies: Readonly<Record<string, unknown>> = {
  "POST /api/login": { token },
  "POST /api/logout": {},
  "POST /api/turns/:id/stop": {},
  "POST /api/intake/pause": {},
  "POST /api/intake/resume": {},
  "POST /api/channels/:plugin/:instance/restart": {},
  "POST /api/channels/:plugin/:instance/test": { conversation: "7" },
  "POST /api/people/forget": { person: "telegram:7" },
  "POST /api/dead-letters/replay": { ids: [1] },
  "POST /api/dead-letters/purge": { ids: [1] },
  "POST /api/dead-letters/restore": { purge: 1 },
  "POST /api/dead-letters/:id{[0-9]+}/replay": { text: "Hello" },
  "POST /api/pairings/approve": { id: 1 },
  "POST /api/pairings/deny": { id: 1 },
  "POST /api/pairings/revoke": { id: 1 },
  "POST /api/agents/:agent/memory/remember": { text: "Omar eats nuts" },
  "POST /api/agents/:agent/memory/weigh": { id: "f1", importance: 0 },
  "POST /api/agents/:agent/memory/restore": { id: "f1" },
  "POST /api/agents/:agent/memory/forget": { ids: ["f1"] },
  "POST /api/agents/:agent/workspace/change": { path: "a.md", base: "", text: "a" },
  "POST /api/agents/:agent/workspace/revert": { commit: "0".repeat(40) },
  "POST /api/agents/:agent/dream": {},
  "POST /api/tools/:name/try": { agent: "ana", input: {}, token },
  "POST /api/extensions/:id/enable": { hash: "a".repeat(64), token },
  "POST /api/extensions/:id/disable": {},
  "POST /api/mcp/servers/:server/accept": {},
  "POST /api/mcp/servers/:server/login": {},
  "POST /api/mcp/questions/:id": { action: "decline" },
  "POST /api/config/apply": { path: "agents.yaml", text: "", base: "" },
  "POST /api/tokens": { name: "eva", role: "viewer", expiresInMs: 60_000, token },
  "POST /api/tokens/:id/revoke": {},
  "POST /api/tokens/root/rotate": { token },
  "POST /api/logins/end": {},
};

const at = "2026-01-01T00:00:00.000Z";
const commit = { id: "0".repeat(40), at, author: "operator", why: "it was wrong", files: ["a.md"] };
const fact: Fact = factSchema.parse({
  id: "f1",
  createdAtMs: 0,
  recallCount: 0,
  text: "Omar eats nuts",
  tags: [],
  importance: 0.5,
  audience: "everyone",
  author: "operator",
  supersedes: ["f0"],
});
const person = {
  id: 1,
  agent: "ana",
  plugin: "telegram",
  instance: "sales",
  sender: "7",
  name: "Eva",
  state: "approved",
  code: null,
  askedAt: at,
  expiresAt: at,
  decidedAt: at,
  decidedBy: "root",
} as const;

/** A room in which everything succeeds, and `actors` are those who were written down, by whoever writes it down. */
async function openWilling(actors: string[]): Promise<HttpFixture> {
  const by = <T>(actor: string, value: T): Promise<T> => {
    actors.push(actor);
    return Promise.resolve(value);
  };
  const unasked = () => Promise.reject(new Error("not asked for"));
  const tokens = newFakeTokens();
  tokens.add("vera", "viewer");
  return await openHttpFixture({
    tokens: {
      ...tokens,
      create: (request, actor) => by(actor, undefined).then(() => tokens.create(request, actor)),
      revoke: (id, actor) => by(actor, undefined).then(() => tokens.revoke(id, actor)),
    },
    audit: { list: () => Promise.resolve([]), note: ({ actor }) => by(actor, undefined) },
    stopTurn: () => true,
    channelDesk: {
      conversations: () => Promise.resolve([]),
      access: () => [],
      test: () => Promise.resolve({ state: "sent", key: "k", providerMessageIds: ["1"] }),
    },
    people: {
      forget: (who, { dryRun }) =>
        Promise.resolve({
          person: who,
          dryRun,
          sessions: 0,
          messages: 0,
          turns: 0,
          waiting: 0,
          replies: 0,
          deadLetters: 0,
          facts: 0,
          look: [],
        }),
    },
    deadLetters: {
      list: () => Promise.resolve([]),
      show: () => Promise.resolve(undefined),
      replay: (_, { actor }) => by(actor, 1),
      replayEdited: (_, __, actor) => by(actor, undefined),
      purge: (_, { actor }) => by(actor, { count: 1 }),
      restore: (_, actor) => by(actor, 1),
    },
    pairings: { list: () => Promise.resolve([]), decide: (_, __, actor) => by(actor, person) },
    memory: {
      remember: () => Promise.resolve(fact),
      recall: () => Promise.resolve({ facts: [], mode: "words" }),
      list: () => Promise.resolve({ facts: [], total: 0 }),
      find: () => Promise.resolve(fact),
      forget: (_, ids) => Promise.resolve([...ids]),
      forgetPerson: () => Promise.resolve(new Map()),
      duplicates: () => Promise.resolve([]),
      restore: () => Promise.resolve(true),
      weigh: () => Promise.resolve(),
    },
    workspaces: {
      of: () => ({
        list: unasked,
        read: unasked,
        change: () => Promise.resolve(commit),
        history: unasked,
        diff: unasked,
        show: unasked,
        revert: () => Promise.resolve(commit),
        forget: unasked,
        troubles: unasked,
      }),
    },
    tools: {
      list: () => Promise.resolve([]),
      show: (name) =>
        Promise.resolve({
          name,
          description: "",
          from: "plugin",
          source: "email",
          effect: "once",
          dangerous: true,
          agents: ["ana"],
          calls: 0,
          errors: 0,
          medianMs: null,
          slowMs: null,
          breaker: "closed",
          inputSchema: {},
          deadlineMs: null,
          permissions: [],
        }),
      try: () =>
        Promise.resolve({ turnId: "t", outcome: "ok", isError: false, untrusted: false, tookMs: 1, content: [] }),
    },
    mcp: {
      servers: () => [],
      accept: () => Promise.resolve(["a"]),
      questions: () => [],
      answer: () => {},
      beginLogin: () => Promise.resolve(new URL("https://login.example/")),
      finishLogin: unasked,
    },
  });
}

Deno.test("whatever is changed is written down with who did it, a new route's change too", async () => {
  const actors: string[] = [];
  await using http = await openWilling(actors);
  const { adminRoutes, addresses } = http.room;
  const changes = adminRoutes.filter((route) => !route.startsWith("GET ") && !elsewhere.includes(route));
  assert.deepEqual(changes.toSorted(), Object.keys(bodies).toSorted());
  const rotation = "POST /api/tokens/root/rotate";
  // With the old root token nobody is let in any more, so that its turn comes last.
  for (const route of [...changes.filter((one) => one !== rotation), rotation]) {
    const cookie = await logIn(http);
    const headers = { cookie, origin: addresses.admin.origin, "x-nexo-csrf": "1" };
    actors.length = 0;
    const path = route.slice("POST ".length).replace(/:\w+\{[^}]*\}/g, "1").replace(":agent", "ana").replace(
      /:\w+/g,
      "1",
    );
    const response = await http.admin(path, { method: "POST", headers, body: JSON.stringify(bodies[route]) });
    assert.equal(response.status, 200, `${route}: ${await response.text()}`);
    assert.deepEqual(actors, ["root"], route);
  }
});
