import { type Context, Hono } from "hono";
import { renderSVG } from "uqr";
import type { Config } from "../config/config.ts";
import type { ConfigDesk } from "../config/desk.ts";
import type { Explanation } from "../config/explain.ts";
import { AppError } from "../core/error.ts";
import type { Memory } from "../core/memory.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Dreams } from "../core/dream.ts";
import type { Workspaces } from "../core/workspace.ts";
import type { Actor } from "../ledger/audit.ts";
import type { Live } from "../lib/live.ts";
import type { RecentLog } from "../telemetry/recent_log.ts";
import type { SeriesView } from "../telemetry/series.ts";
import type { Activity } from "./activity_api.ts";
import type { AgentView } from "./agents_api.ts";
import { type AuditEntry, auditFilterSchema } from "./audit_api.ts";
import { channelRestartSchema, type ChannelView } from "./channels_api.ts";
import {
  deadLetterActionSchema,
  type DeadLetterDetail,
  deadLetterEditSchema,
  type DeadLetterFilter,
  deadLetterFilterSchema,
  deadLetterRestoreSchema,
  type DeadLetterSelection,
  type DeadLetterView,
} from "./dead_letters_api.ts";
import { type Page, type PageRequest, pageRequestSchema } from "./page_api.ts";
import {
  forgetPersonSchema,
  type Forgotten,
  type PairingFilter,
  pairingFilterSchema,
  pairingRevocationSchema,
  type PairingView,
  type PairingWhom,
  pairingWhomSchema,
} from "./people_api.ts";
import {
  type ExportFormat,
  exportRequestSchema,
  type MessageHit,
  type MessageSearch,
  messageSearchSchema,
  type MessageView,
  type SessionFilter,
  sessionFilterSchema,
  type SessionView,
} from "./sessions_api.ts";
import { seriesQuerySchema } from "./series_api.ts";
import type { ModelView, Queues, Status } from "./status_api.ts";
import type { TurnView } from "./turns_api.ts";
import { type UsageQuery, usageQuerySchema, type UsageRow } from "./usage_api.ts";
import { parseRequest, readJson } from "./body.ts";
import { callerOf } from "./caller.ts";
import { toActor } from "./door.ts";
import { toReady } from "./health.ts";
import { newMemoryRoutes } from "./memory.ts";
import type { BusDesk } from "./bus_routes.ts";
import type { ChannelDesk } from "./channel_routes.ts";
import type { Find } from "./find_routes.ts";
import type { ExtensionDesk } from "./extension_routes.ts";
import type { McpDesk } from "./mcp_routes.ts";
import type { Pause } from "./pause_routes.ts";
import { toSeen, toSeenLetter, toSeenPerson } from "./seen.ts";
import type { ToolDesk } from "./tool_routes.ts";

/** Longest look into the ledger for one page. */
const queryMs = 15_000;
/** A body that names one thing fits into this many times over. */
const maxSmallBytes = 10_000;

/** More people than an instance gives codes to at a time. */
const everyCode = { state: "pending", limit: 1_000 } as const;

/** Longest export of one transcript. */
const exportMs = 600_000;

/** Longest deletion of one person. What is not gone by then is found by the next try. */
const forgetMs = 600_000;
const maxForgetBytes = 10_000;

/** Transcripts and timelines, a page at a time, by keyset. */
export interface History {
  sessions(filter: SessionFilter, signal: AbortSignal): Promise<Page<SessionView>>;
  messages(sessionId: string, page: PageRequest, signal: AbortSignal): Promise<Page<MessageView>>;
  /** Best first; newest first where very many entries hold the words. */
  search(search: MessageSearch, signal: AbortSignal): Promise<readonly MessageHit[]>;
  /** A whole transcript in pieces. @throws {AppError} `missing` where there is no such session. */
  export(sessionId: string, format: ExportFormat, signal: AbortSignal): AsyncIterable<string>;
  /** `undefined` where there is no such turn. */
  turn(id: string, signal: AbortSignal): Promise<TurnView | undefined>;
}

/** What can be done with dead letters. */
export interface DeadLetters {
  /** Newest first. */
  list(filter: DeadLetterFilter, signal: AbortSignal): Promise<readonly DeadLetterView[]>;
  /** `undefined` where there is no such letter. */
  show(id: number, signal: AbortSignal): Promise<DeadLetterDetail | undefined>;
  /** Makes them live again; gives how many. */
  replay(selection: DeadLetterSelection, options: DeadLetterOptions, signal: AbortSignal): Promise<number>;
  /**
   * Sends an outbound message that died with another text.
   *
   * @throws {AppError} `missing`, `conflict` for one that cannot be replayed, `invalid` for what is no outbound message.
   */
  replayEdited(id: number, text: string, actor: Actor): Promise<void>;
  /** Takes them away; gives how many, and where some went, what brings them back. */
  purge(
    selection: DeadLetterSelection,
    options: DeadLetterOptions,
    signal: AbortSignal,
  ): Promise<{ readonly count: number; readonly purge?: number }>;
  /**
   * Brings back what a purge took away; gives how many.
   *
   * @throws {AppError} `missing` where there was no such purge, or what it took is gone for good.
   */
  restore(purge: number, actor: Actor): Promise<number>;
}

/** How something is done with dead letters, and by whom. */
export interface DeadLetterOptions {
  readonly dryRun: boolean;
  readonly actor: Actor;
}

/** Who may talk, beside those whom the config names. */
export interface Pairings {
  /** Newest first. */
  list(filter: PairingFilter, signal: AbortSignal): Promise<readonly PairingView[]>;
  /** Gives how they stand now. */
  decide(decision: "approve" | "deny" | "revoke", whom: PairingWhom, actor: Actor): Promise<PairingView>;
}

/** Who did what. */
export interface Audit {
  /** Newest first. */
  list(
    page: { readonly before?: number | undefined; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly AuditEntry[]>;
  /** Writes something down. Never throws: what was done is done. */
  note(entry: { readonly actor: Actor; readonly action: string; readonly target: string }): Promise<void>;
}

/** What can be done for a person whom agents talked with. */
export interface People {
  /**
   * Deletes what there is of a person, everywhere. With `dryRun` only counts.
   *
   * @throws {AppError} `invalid` for what is no person.
   */
  forget(person: string, options: { readonly dryRun: boolean }, signal: AbortSignal): Promise<Forgotten>;
}

/** What the admin listener shows, as it stands at the moment. */
export interface AdminViews {
  readonly version: string;
  readonly bootId: string;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  status(): readonly SubsystemStatus[];
  agents(): readonly AgentView[];
  channels(): readonly ChannelView[];
  /** Opens a channel instance anew; with `unlink` without what linked it with its account. */
  restartChannel(place: { readonly plugin: string; readonly instance: string }, unlink: boolean): Promise<void>;
  models(): readonly ModelView[];
  queues(): Queues;
  readonly logs: RecentLog;
  readonly history: History;
  /** Ends a turn that runs, without an answer; says whether it was running. */
  stopTurn(id: string): boolean;
  readonly configDesk: ConfigDesk;
  /** Settings in force below a path, and where each comes from. @throws {AppError} `missing`, `invalid`. */
  explain(path: string): readonly Explanation[];
  /** What went on in the last hour. */
  activity(signal: AbortSignal): Promise<Activity>;
  /** What went on in the last `minutes`, step by step. */
  series(minutes: number): SeriesView;
  /** What was used in the last `days` days, today included, newest first. */
  usage(query: UsageQuery, signal: AbortSignal): Promise<readonly UsageRow[]>;
  readonly busDesk: BusDesk;
  readonly channelDesk: ChannelDesk;
  readonly find: Find;
  readonly deadLetters: DeadLetters;
  readonly people: People;
  readonly memory: Memory;
  readonly extensions: ExtensionDesk;
  readonly pairings: Pairings;
  readonly pause: Pause;
  readonly audit: Audit;
  readonly mcp: McpDesk;
  readonly tools: ToolDesk;
  readonly workspaces: Workspaces;
  readonly dreams: Dreams;
}

/** `/api`: what the console and the command line read, and what can be done with dead letters and with strangers. */
export function newViewRoutes(views: AdminViews, config: Live<Config>): Hono {
  const { history, deadLetters, pairings, audit } = views;
  const app = new Hono();

  app.get("/status", (context) => context.json(toSeen(toStatus(views, config.current), callerOf(context))));
  app.get("/agents", (context) => context.json({ agents: views.agents() }));
  app.get("/channels", (context) => context.json(toSeen({ channels: views.channels() }, callerOf(context))));
  app.get("/channels/:plugin/:instance/qr.svg", (context) => {
    const { plugin, instance } = context.req.param();
    const channel = views.channels().find((one) => one.plugin === plugin && one.instance === instance);
    const { pairing } = channel ?? {};
    if (pairing === undefined || !("qr" in pairing)) {
      throw new AppError("missing", `${plugin}.${instance} has no QR code to show`, { reason: "no_qr" });
    }
    return context.body(renderSVG(pairing.qr, { border: 4 }), 200, { "content-type": "image/svg+xml" });
  });
  app.post("/channels/:plugin/:instance/restart", async (context) => {
    const { plugin, instance } = context.req.param();
    const { unlink } = await readJson(context.req.raw, maxSmallBytes, channelRestartSchema);
    await views.restartChannel({ plugin, instance }, unlink);
    const action = unlink ? "channel.unlinked" : "channel.restarted";
    await audit.note({ actor: toActor(context), action, target: `${plugin}.${instance}` });
    return context.json({ ok: true });
  });

  app.get("/activity", async (context) => context.json(await views.activity(newDeadline())));
  app.get("/series", (context) => {
    const { minutes } = parseRequest(seriesQuerySchema, context.req.query());
    return context.json(views.series(minutes));
  });
  app.get("/usage", async (context) => {
    const query = parseRequest(usageQuerySchema, context.req.query());
    return context.json({ items: await views.usage(query, newDeadline()) });
  });

  app.get("/sessions", async (context) => {
    const filter = parseRequest(sessionFilterSchema, context.req.query());
    return context.json(await history.sessions(filter, newDeadline()));
  });
  app.get("/sessions/search", async (context) => {
    const search = parseRequest(messageSearchSchema, context.req.query());
    return context.json({ items: await history.search(search, newDeadline()) });
  });
  app.get("/sessions/:id/export", async (context) => {
    const { format } = parseRequest(exportRequestSchema, context.req.query());
    const text = history.export(context.req.param("id"), format, AbortSignal.timeout(exportMs))[Symbol.asyncIterator]();
    // The first piece is waited for: that there is no such session is still a status then.
    const first = await text.next();
    const rest = ReadableStream.from((async function* () {
      if (!first.done) yield first.value;
      yield* { [Symbol.asyncIterator]: () => text };
    })());
    const type = format === "md" ? "text/markdown; charset=utf-8" : "application/x-ndjson";
    return context.body(rest.pipeThrough(new TextEncoderStream()), 200, { "content-type": type });
  });
  app.get("/sessions/:id/messages", async (context) => {
    const page = parseRequest(pageRequestSchema, context.req.query());
    return context.json(await history.messages(context.req.param("id"), page, newDeadline()));
  });
  app.get("/dead-letters", async (context) => {
    const filter = parseRequest(deadLetterFilterSchema, context.req.query());
    return context.json(await toPage(filter, (wanted) => deadLetters.list(wanted, newDeadline())));
  });
  app.get("/dead-letters/:id{[0-9]+}", async (context) => {
    const id = Number(context.req.param("id"));
    const letter = await deadLetters.show(id, newDeadline());
    if (letter === undefined) {
      throw new AppError("missing", `There is no dead letter ${id}`, { reason: "unknown_dead_letter" });
    }
    const waiting = callerOf(context).role === "operator" ? [] : await pairings.list(everyCode, newDeadline());
    return context.json(toSeenLetter(letter, waiting));
  });

  app.post("/people/forget", async (context) => {
    const { person, dryRun } = await readJson(context.req.raw, maxForgetBytes, forgetPersonSchema);
    const forgotten = await views.people.forget(person, { dryRun }, AbortSignal.timeout(forgetMs));
    // Who it was is not to be known any more.
    const target = person.slice(0, person.indexOf(":"));
    if (!dryRun) await views.audit.note({ actor: toActor(context), action: "person.forgotten", target });
    return context.json(forgotten);
  });
  const readAction = async (context: Context) => {
    const maxBytes = config.current.runtime.http.max_body_bytes;
    const { dryRun, ...selection } = await readJson(context.req.raw, maxBytes, deadLetterActionSchema);
    return { selection, options: { dryRun, actor: toActor(context) } };
  };
  app.post("/dead-letters/replay", async (context) => {
    const { selection, options } = await readAction(context);
    const count = await deadLetters.replay(selection, options, newDeadline());
    return context.json({ count, dryRun: options.dryRun });
  });
  app.post("/dead-letters/purge", async (context) => {
    const { selection, options } = await readAction(context);
    const purged = await deadLetters.purge(selection, options, newDeadline());
    return context.json({ ...purged, dryRun: options.dryRun });
  });
  app.post("/dead-letters/restore", async (context) => {
    const { purge } = await readJson(context.req.raw, maxSmallBytes, deadLetterRestoreSchema);
    return context.json({ count: await deadLetters.restore(purge, toActor(context)) });
  });
  app.post("/dead-letters/:id{[0-9]+}/replay", async (context) => {
    const maxBytes = config.current.runtime.http.max_body_bytes;
    const { text } = await readJson(context.req.raw, maxBytes, deadLetterEditSchema);
    await deadLetters.replayEdited(Number(context.req.param("id")), text, toActor(context));
    return context.json({ ok: true });
  });

  app.get("/pairings", async (context) => {
    const filter = parseRequest(pairingFilterSchema, context.req.query());
    const page = await toPage(filter, (wanted) => pairings.list(wanted, newDeadline()));
    return context.json({ ...page, items: page.items.map((person) => toSeenPerson(person, callerOf(context))) });
  });
  for (const decision of ["approve", "deny"] as const) {
    app.post(`/pairings/${decision}`, async (context) => {
      const whom = await readJson(context.req.raw, maxSmallBytes, pairingWhomSchema);
      return context.json(await pairings.decide(decision, whom, toActor(context)));
    });
  }
  app.post("/pairings/revoke", async (context) => {
    const whom = await readJson(context.req.raw, maxSmallBytes, pairingRevocationSchema);
    return context.json(await pairings.decide("revoke", whom, toActor(context)));
  });
  app.get("/audit", async (context) => {
    const page = parseRequest(auditFilterSchema, context.req.query());
    return context.json(await toPage(page, (wanted) => audit.list(wanted, newDeadline())));
  });

  app.route("/", newMemoryRoutes({ memory: views.memory, audit, config }));
  return app;
}

/** Everything that `GET /api/status` says. */
export function toStatus(views: AdminViews, config: Config): Status {
  const ready = toReady(views.status());
  return {
    version: views.version,
    pid: Deno.pid,
    bootId: views.bootId,
    startedAt: views.startedAt,
    ready: ready.status === "ready",
    paused: views.pause.isPaused,
    subsystems: ready.subsystems,
    agents: [...views.agents()],
    channels: [...views.channels()],
    models: [...views.models()],
    queues: views.queues(),
    configGeneration: config.generation,
  };
}

/** A page by number: one row more than asked for tells whether there is a next one. */
async function toPage<F extends { readonly limit: number }, T extends { readonly id: number }>(
  filter: F,
  list: (wanted: F) => Promise<readonly T[]>,
): Promise<{ items: T[]; next?: number | undefined }> {
  const found = await list({ ...filter, limit: filter.limit + 1 });
  const items = found.slice(0, filter.limit);
  return { items, ...(found.length > items.length ? { next: items.at(-1)?.id } : {}) };
}

function newDeadline(): AbortSignal {
  return AbortSignal.timeout(queryMs);
}
