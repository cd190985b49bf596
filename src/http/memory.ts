import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import { AppError } from "../core/error.ts";
import { type Fact, type FactFilter, type Memory, operatorKey, type Viewer } from "../core/memory.ts";
import { parseSessionId, toConversationId } from "../core/session.ts";
import type { Live } from "../lib/live.ts";
import {
  type FactFilterRequest,
  factListRequestSchema,
  factRememberSchema,
  factRestoreSchema,
  factSearchRequestSchema,
  factWeighSchema,
  forgetRequestSchema,
} from "./memory_api.ts";
import { parseRequest, readJson } from "./body.ts";
import { type NoteDown, toActor } from "./door.ts";

/** Whoever has the admin token sees all of one agent's memory. */
const operator: Viewer = { kind: "operator" };

/** Longest look into an agent's memory. */
const askMs = 15_000;

/** `/api/agents/AGENT/memory`: what an agent knows across conversations, for operators. */
export function newMemoryRoutes(
  { memory, audit, config }: {
    readonly memory: Memory;
    readonly audit: { readonly note: NoteDown };
    readonly config: Live<Config>;
  },
): Hono {
  const app = new Hono();
  const agentOf = (agent: string): string => {
    if (config.current.agents.some(({ id }) => id === agent)) return agent;
    throw new AppError("missing", `There is no agent ${agent}`, { reason: "unknown_agent" });
  };
  const findFact = async (agent: string, id: string): Promise<Fact> => {
    const fact = await memory.find(agent, id, operator, newDeadline());
    if (fact !== undefined) return fact;
    throw new AppError("missing", `${agent} knows no fact ${id}`, { reason: "unknown_fact" });
  };
  const maxBytes = () => config.current.runtime.http.max_body_bytes;

  app.get("/agents/:agent/memory", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    const { limit, after, all, ...filter } = parseRequest(factListRequestSchema, context.req.query());
    const query = { ...toFilter(filter), limit, after, all: all === "1" };
    return context.json(await memory.list(agent, query, operator, newDeadline()));
  });
  app.get("/agents/:agent/memory/search", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    const { q, limit, ...filter } = parseRequest(factSearchRequestSchema, context.req.query());
    const query = { ...toFilter(filter), text: q, limit, counts: false };
    return context.json(await memory.recall(agent, query, operator, newDeadline()));
  });
  app.get("/agents/:agent/memory/:id", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    return context.json(await findFact(agent, context.req.param("id")));
  });
  app.post("/agents/:agent/memory/remember", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    const { replaces, ...given } = await readJson(context.req.raw, maxBytes(), factRememberSchema);
    const old = replaces === undefined ? undefined : await findFact(agent, replaces);
    if (old?.supersededBy !== undefined) {
      throw new AppError("conflict", `${old.id} was replaced by ${old.supersededBy} meanwhile. Edit that one`, {
        reason: "edited_meanwhile",
      });
    }
    const session = old?.sessionId === undefined ? undefined : parseSessionId(old.sessionId);
    if (given.audience === "conversation" && session === undefined) {
      throw new AppError("invalid", "Nobody knows in which conversation it was told. Choose everyone, or a person", {
        reason: "no_conversation",
      });
    }
    const fact = await memory.remember(
      agent,
      {
        ...given,
        person: given.person ?? old?.person,
        conversation: session && toConversationId(session),
        sessionId: old?.sessionId,
        turnId: old?.turnId,
        messageId: old?.messageId,
        supersedes: old === undefined ? [] : [old.id],
        key: `${operatorKey}${crypto.randomUUID()}`,
      },
      operator,
      newDeadline(),
    );
    const action = old === undefined ? "memory.added" : "memory.edited";
    await audit.note({ actor: toActor(context), action, target: `${agent}: ${fact.id}` });
    return context.json(fact);
  });
  app.post("/agents/:agent/memory/weigh", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    const { id, importance } = await readJson(context.req.raw, maxBytes(), factWeighSchema);
    await findFact(agent, id);
    await memory.weigh(agent, [{ id, importance }], newDeadline());
    await audit.note({ actor: toActor(context), action: "memory.weighed", target: `${agent}: ${id} ${importance}` });
    return context.json({ ok: true });
  });
  app.post("/agents/:agent/memory/restore", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    const { id } = await readJson(context.req.raw, maxBytes(), factRestoreSchema);
    const fact = await findFact(agent, id);
    if (fact.supersedes.length === 0) {
      throw new AppError("conflict", `${id} replaced nothing that is still there`, { reason: "nothing_replaced" });
    }
    await memory.restore(agent, id, newDeadline());
    await audit.note({ actor: toActor(context), action: "memory.restored", target: `${agent}: ${id}` });
    return context.json({ ok: true });
  });
  app.post("/agents/:agent/memory/forget", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    const { ids } = await readJson(context.req.raw, maxBytes(), forgetRequestSchema);
    const forgotten = await memory.forget(agent, ids, operator, newDeadline());
    const target = `${agent}: ${forgotten.length} facts`;
    if (forgotten.length > 0) await audit.note({ actor: toActor(context), action: "memory.forgotten", target });
    return context.json({ forgotten });
  });
  return app;
}

/** The filter of a request's parameters. */
export function toFilter({ tag, person, since, before }: FactFilterRequest): FactFilter {
  return {
    tags: tag === undefined ? undefined : tag.split(","),
    person,
    sinceMs: since === undefined ? undefined : Date.parse(since),
    beforeMs: before === undefined ? undefined : Date.parse(before),
  };
}

function newDeadline(): AbortSignal {
  return AbortSignal.timeout(askMs);
}
