import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import { AppError } from "../core/error.ts";
import type { FactFilter, Memory, Viewer } from "../core/memory.ts";
import type { Live } from "../lib/live.ts";
import {
  type FactFilterRequest,
  factListRequestSchema,
  factSearchRequestSchema,
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
    const id = context.req.param("id");
    const fact = await memory.find(agent, id, operator, newDeadline());
    if (fact === undefined) throw new AppError("missing", `${agent} knows no fact ${id}`, { reason: "unknown_fact" });
    return context.json(fact);
  });
  app.post("/agents/:agent/memory/forget", async (context) => {
    const agent = agentOf(context.req.param("agent"));
    const maxBytes = config.current.runtime.http.max_body_bytes;
    const { ids } = await readJson(context.req.raw, maxBytes, forgetRequestSchema);
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
