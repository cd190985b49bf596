import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, errorKinds } from "../core/error.ts";
import { newId } from "../lib/id.ts";
import type { Live } from "../lib/live.ts";
import { readJson } from "./body.ts";
import type { EventStreams } from "./event_streams.ts";
import {
  breaksText,
  type CompletionHead,
  completionRequestSchema,
  joinTexts,
  newChunkWriter,
  toCompletion,
  toRemainder,
  toSaid,
} from "./openai_wire.ts";
import { toOpenAiError, toRefusal } from "./refusal.ts";
import type { WebReply } from "./waiters.ts";
import type { Exchange, WebChannel } from "./web_channel.ts";

/** What the door for OpenAI clients uses. */
export interface OpenAiDeps {
  readonly config: Live<Config>;
  readonly web: WebChannel;
  readonly streams: EventStreams;
  readonly clock: Clock;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
}

/** `/v1`: agents as models, for programs that speak the OpenAI API. */
export function newOpenAiRoutes({ config, web, streams, clock, startedAt }: OpenAiDeps): Hono {
  const app = new Hono();
  const created = Math.floor(Date.parse(startedAt) / 1_000);
  const toModel = (id: string) => ({ id, object: "model", created, owned_by: "nexo" });

  app.get(
    "/models",
    (context) => context.json({ object: "list", data: config.current.agents.map((agent) => toModel(agent.id)) }),
  );

  app.get("/models/:id", (context) => {
    const id = context.req.param("id");
    if (!config.current.agents.some((agent) => agent.id === id)) {
      throw new AppError("missing", `There is no agent "${id}"`, { reason: "unknown_agent" });
    }
    return context.json(toModel(id));
  });

  app.post("/chat/completions", async (context) => {
    const request = context.req.raw;
    const body = await readJson(request, config.current.runtime.http.max_body_bytes, completionRequestSchema);
    const { text, attachments, history } = toSaid(body.messages);
    const { messageId, conversation, requestId } = await identify(
      request.headers.get("idempotency-key"),
      body.user ?? undefined,
      clock.now(),
    );
    const exchange = await web.ask({
      plugin: "api",
      agent: body.model,
      conversation,
      messageId,
      sender: body.user ?? "api",
      text,
      attachments,
      ...(body.user === undefined || body.user === null ? { history } : {}),
      traceparent: request.headers.get("traceparent") ?? undefined,
    });
    const head = { id: `chatcmpl-${requestId}`, created: Math.floor(clock.now() / 1_000), model: body.model };
    if (body.stream === true) {
      return streams.open(writeChunks(exchange, head, body.stream_options?.include_usage === true), exchange);
    }
    using _ended = exchange;
    return toResponse(head, await exchange.reply());
  });

  return app;
}

/**
 * Which message, in which conversation, a request means. A key without a conversation makes one of its own, so that a
 * retry finds the first one again.
 */
async function identify(key: string | null, user: string | undefined, nowMs: number) {
  if (key === null) {
    const requestId = newId(nowMs);
    return { messageId: requestId, conversation: user ?? requestId, requestId };
  }
  if (key === "" || key.length > 500) {
    throw new AppError("invalid", "Idempotency-Key: send 1 to 500 characters", { reason: "bad_request" });
  }
  const bytes = new TextEncoder().encode(`${user ?? ""}\n${key}`);
  const requestId = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 32);
  return { messageId: key, conversation: user ?? `key-${requestId}`, requestId };
}

function toResponse(head: CompletionHead, reply: WebReply): Response {
  if (reply.outcome !== "failed") return Response.json(toCompletion(head, reply));
  const { status, body } = toFailure(reply);
  // The same key would get the same failure again: official clients need not try.
  return Response.json(body, { status, headers: { "x-should-retry": "false" } });
}

async function* writeChunks(exchange: Exchange, head: CompletionHead, includeUsage: boolean): AsyncGenerator<string> {
  const writer = newChunkWriter(head, includeUsage);
  yield writer.role();
  try {
    let streamed = "";
    let whole = true;
    for await (const events of exchange.events) {
      for (const event of events) whole &&= !breaksText(event);
      const text = whole ? joinTexts(events) : "";
      if (text === "") continue;
      streamed += text;
      yield writer.text(text);
    }
    const reply = await exchange.reply();
    if (reply.outcome === "failed") {
      yield writer.error(toFailure(reply).body) + "data: [DONE]\n\n";
      return;
    }
    const rest = toRemainder(streamed, reply.text);
    yield (rest === "" ? "" : writer.text(rest)) + writer.end(reply);
  } catch (error) {
    const { status, message, reason } = toRefusal(error);
    yield writer.error(toOpenAiError(status, message, reason)) + "data: [DONE]\n\n";
  }
}

function toFailure({ text, error }: WebReply) {
  const kind = error?.kind ?? "bug";
  const status = Object.entries(errorKinds).find(([name]) => name === kind)?.[1].status ?? errorKinds.bug.status;
  return { status, body: toOpenAiError(status, error?.message ?? text, kind) };
}
