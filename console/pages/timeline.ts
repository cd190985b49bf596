import type { TurnView } from "../../src/http/turns_api.ts";
import { count, duration, money, pretty } from "../words.ts";

// What a turn's journal says, as rows on a line of time. Nothing here knows of a page.

/** What a stretch of time was: each has its own look. */
export type Kind = "wait" | "down" | "own" | "model" | "tool" | "inbound" | "failed" | "send";

/** From when to when something went on, in milliseconds since the epoch. */
export interface Stretch {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

/** One row. */
export interface Span {
  readonly name: string;
  readonly kind: Kind;
  readonly stretches: readonly [Stretch, ...Stretch[]];
  /** What stands beside the name: what a reader must not miss. */
  readonly mark?: string | undefined;
  readonly markTone?: "warn" | "bad" | undefined;
  /** Stands in place of the time that it took. */
  readonly says?: string | undefined;
  /** What unfolds. */
  readonly details: readonly Detail[];
}

/** A part of what unfolds: a sentence, or a text of its own. */
export interface Detail {
  readonly title: string;
  readonly text: string;
  readonly block?: boolean | undefined;
}

type Step = TurnView["steps"][number];
type Send = TurnView["sends"][number];

/** Shorter gaps between two rows are not worth one of their own, milliseconds. */
const shortestGapMs = 15;

/** The rows of a turn, in the order in which they began. `nowMs` ends what is still going on. */
export function toSpans(turn: TurnView, nowMs: number): readonly [Span, ...Span[]] {
  const [first, ...others] = toArrival(turn);
  const middle = [...toWork(turn, nowMs), ...toRestarts(turn)].toSorted((one, other) => fromOf(one) - fromOf(other));
  return [first, ...others, ...middle, ...toEnd(turn), ...turn.sends.map((send) => toSend(send, nowMs))];
}

/** When a row begins. */
export function fromOf(span: Span): number {
  return Math.min(...span.stretches.map(({ from }) => from));
}

/** When a row ends. */
export function toOf(span: Span): number {
  return Math.max(...span.stretches.map(({ to }) => to));
}

/** How the message came in, and what it waited for. */
function toArrival(turn: TurnView): readonly [Span, ...Span[]] {
  const started = Date.parse(turn.startedAt);
  const unknown = { receivedAt: turn.receivedAt, channel: null, providerMessageId: null };
  const [{ channel, providerMessageId, ...head } = unknown, ...merged] = turn.received;
  const receivedAt = Math.min(started, Date.parse(head.receivedAt));
  const received: Span = {
    name: channel === null ? "Received" : `Received · ${channel}`,
    ...at("own", receivedAt),
    says: clockTime(receivedAt),
    details: [
      ...(turn.question === "" ? [] : [{ title: "Message", text: turn.question, block: true }]),
      ...(providerMessageId === null ? [] : [{ title: "The channel's id", text: providerMessageId }]),
    ],
  };
  const joined = merged.map((message): Span => ({
    name: "Another message of it",
    ...at("own", Math.min(started, Date.parse(message.receivedAt))),
    says: clockTime(Date.parse(message.receivedAt)),
    details: message.providerMessageId === null ? [] : [{ title: "The channel's id", text: message.providerMessageId }],
  }));
  return [received, ...joined, ...toQueue(turn, receivedAt, started)];
}

function toQueue(turn: TurnView, receivedAt: number, started: number): readonly Span[] {
  if (turn.resumedAt[0] === turn.startedAt) {
    return [{
      name: "Nobody was there",
      ...during("down", receivedAt, started),
      mark: "the process had ended",
      markTone: "bad",
      details: [{
        title: "What happened",
        text: "The message had been written down before the process ended, so it waited until the next start and was " +
          "answered then. An answer that was being made at that moment was begun anew.",
      }],
    }];
  }
  const replayed = turn.replayedAt.map((at) => Date.parse(at)).findLast((at) => at <= started);
  const { burstMs = 0, permitMs = 0 } = turn.waits ?? {};
  const readyAt = Math.max(receivedAt, started - permitMs);
  const gatheredFrom = Math.max(receivedAt, readyAt - burstMs);
  const queue: readonly Span[] = replayed === undefined
    ? [{
      name: "Queued",
      ...during("wait", receivedAt, gatheredFrom),
      details: gatheredFrom - receivedAt < shortestGapMs ? [] : [{
        title: "What for",
        text: "The turn before it in this conversation had to end first: a conversation is answered in order.",
      }],
    }]
    : [{
      name: "Lay among the dead letters",
      ...during("wait", receivedAt, replayed),
      details: [{ title: "What happened", text: "It could not be answered at first. Somebody made it live again." }],
    }, { name: "Queued", ...during("wait", replayed, gatheredFrom), details: [] }];
  return [
    ...queue,
    ...(burstMs < shortestGapMs ? [] : [{
      name: "Waited for more of it",
      ...during("wait", gatheredFrom, readyAt),
      details: [{
        title: "What for",
        text: "People write in bursts. Messages that come shortly after each other are answered together: " +
          "debounce_ms in agents.yaml.",
      }],
    }]),
    ...(permitMs < shortestGapMs ? [] : [{
      name: "Waited for a free place",
      ...during("wait", readyAt, started),
      details: [{
        title: "What for",
        text: "As many turns as limits.max_parallel_turns in runtime.yaml allows were running.",
      }],
    }]),
  ];
}

function toWork(turn: TurnView, nowMs: number): readonly Span[] {
  const started = Date.parse(turn.startedAt);
  const spans = turn.steps.map((step, index) => toStep(turn, step, index, nowMs));
  const firstAt = turn.steps[0] === undefined ? undefined : Date.parse(turn.steps[0].startedAt);
  const prepared = firstAt !== undefined && firstAt - started >= shortestGapMs && !isCut(turn, started, firstAt)
    ? [{
      name: "Prepared",
      ...during("own", started, firstAt),
      details: [{ title: "What for", text: "Hooks, attachments, and what the model is shown of the past." }],
    }]
    : [];
  const lastAt = Math.max(
    started,
    ...turn.steps.map(({ finishedAt, startedAt }) => Date.parse(finishedAt ?? startedAt)),
  );
  const open = turn.state === "running" && turn.steps.every(({ state }) => state === "done")
    ? [{
      name: "Works on it",
      ...during("model", Math.max(lastAt, ...turn.resumedAt.map((at) => Date.parse(at))), nowMs),
      says: "now",
      details: [{ title: "What for", text: "A model's answer is written down when it is complete." }],
    }]
    : [];
  return [...prepared, ...spans, ...open];
}

function toStep(turn: TurnView, step: Step, index: number, nowMs: number): Span {
  switch (step.kind) {
    case "model":
      return toModel(turn, step, index);
    case "tool":
      return toTool(turn, step, nowMs);
    case "inbound":
      return {
        name: "A further message joined",
        ...at("inbound", Date.parse(step.startedAt)),
        says: clockTime(Date.parse(step.startedAt)),
        details: [{ title: "Message", text: pretty(textOf(step.input)), block: true }],
      };
  }
}

function toModel(turn: TurnView, step: Step, index: number): Span {
  const from = Date.parse(step.startedAt);
  const to = Date.parse(step.finishedAt ?? step.startedAt);
  const setbacks = step.call?.setbacks ?? [];
  const failures = setbacks.filter((one) => one.type === "failed");
  const stretches: Stretch[] = [];
  let mark = from;
  for (const setback of setbacks) {
    if (setback.type === "failed") {
      stretches.push({ kind: "failed", from: mark, to: setback.at });
      stretches.push({ kind: "wait", from: setback.at, to: Math.min(to, setback.at + setback.waitMs) });
      mark = Math.min(to, setback.at + setback.waitMs);
    } else {
      stretches.push({ kind: "wait", from: Math.max(mark, setback.at - setback.waitedMs), to: setback.at });
      mark = setback.at;
    }
  }
  const moved = failures.find(({ next }) => next === "other");
  const asked = moved === undefined ? undefined : failures[0];
  const marks = [
    step.fault === null ? "" : "no answer",
    failures.length > 0 ? count(failures.length, "failed try").replace("trys", "tries") : "",
    asked === undefined || step.fault !== null ? "" : `in place of ${asked.provider}/${asked.model}`,
  ].filter((text) => text !== "");
  const calls = toolsOf(step.output);
  return {
    name: `Model · ${step.name}`,
    kind: step.fault === null ? "model" : "failed",
    stretches: [{ kind: step.fault === null ? "model" : "failed", from: mark, to }, ...stretches],
    mark: marks.join(", ") || undefined,
    markTone: step.fault === null ? "warn" : "bad",
    details: [
      ...(step.fault === null ? [] : [{ title: "Why there is no answer", text: step.fault }]),
      ...setbacks.map((setback, at) => ({ title: `Before the answer, ${at + 1}`, text: toSentence(setback) })),
      { title: "Input", text: toInput(turn, step, index) },
      ...(step.fault !== null ? [] : [
        {
          title: "Output",
          text: textOf(step.output) || (calls.length > 0 ? "No words, only calls." : ""),
          block: true,
        },
        ...(calls.length > 0 ? [{ title: "Calls", text: calls.join("\n"), block: true }] : []),
        { title: "Used", text: toUsed(step) },
      ]),
    ],
  };
}

function toSentence(setback: NonNullable<Step["call"]>["setbacks"][number]): string {
  if (setback.type === "limited") {
    return `It waited ${duration(setback.waitedMs)} for the rate limit of ${setback.provider}: ` +
      "rate_limit in llm.yaml, or the provider's own.";
  }
  const then = {
    again: `It was asked again after ${duration(setback.waitMs)}.`,
    other: "The next model of fallback_models was asked.",
    none: "",
  }[setback.next];
  return `${setback.provider}/${setback.model} failed: ${setback.message}. ${then}`.trim();
}

function toInput({ steps, question }: TurnView, { call }: Step, index: number): string {
  const before = steps.slice(0, index).findLastIndex(({ kind }) => kind === "model");
  const fresh = before === -1
    ? [`The message: ${shorten(question)}`]
    : steps.slice(before + 1, index).map((step) =>
      step.kind === "tool" ? `The result of ${step.name}` : `The message: ${shorten(textOf(step.input))}`
    );
  const frame = call === null
    ? []
    : [`${count(call.messages, "message")} in all, ${count(call.tools, "tool")} to choose from`];
  return [...fresh, ...frame].join("\n");
}

function toUsed({ inputTokens, outputTokens, costUsd, call }: Step): string {
  return [
    `${(inputTokens ?? 0).toLocaleString()} tokens in, ${(outputTokens ?? 0).toLocaleString()} out`,
    costUsd === null ? "price not known" : money(costUsd),
    call?.firstMs === undefined ? "" : `first words after ${duration(call.firstMs)}`,
  ].filter((text) => text !== "").join(" · ");
}

function toTool(turn: TurnView, step: Step, nowMs: number): Span {
  const from = Date.parse(step.startedAt);
  const to = step.finishedAt === null ? nowMs : Date.parse(step.finishedAt);
  const cutAt = turn.resumedAt.map((at) => Date.parse(at)).findLast((at) => at > from && at <= to);
  const shared = [
    { title: "Input", text: pretty(step.input), block: true },
    { title: "Output", text: step.finishedAt === null ? "Not there yet." : resultOf(step.output), block: true },
  ];
  if (cutAt === undefined) {
    return {
      name: step.name,
      ...during("tool", from, to),
      mark: step.fault === null ? undefined : "said no",
      markTone: "warn",
      says: step.finishedAt === null ? "runs" : undefined,
      details: shared,
    };
  }
  const isOnce = step.effect === "once";
  const cut = { kind: "failed", from, to: Math.max(from, lastLifeBefore(turn, cutAt)) } as const;
  return {
    name: step.name,
    kind: "tool",
    stretches: isOnce ? [cut] : [{ kind: "tool", from: cutAt, to }, cut],
    mark: isOnce ? "cut off, not repeated" : "cut off, run again",
    markTone: isOnce ? "bad" : "warn",
    says: isOnce ? "end unknown" : duration(to - cutAt),
    details: [
      {
        title: "What happened",
        text: isOnce
          ? "The process ended while it ran, and nobody saw how it ended. Running it twice could do harm, so it was not " +
            "repeated; the agent was told that the outcome is unknown. Look at its effect yourself where it matters."
          : "The process ended while it ran. Running it twice does no harm, so it ran again after the restart.",
      },
      ...shared,
    ],
  };
}

/** The times in which no process was there. */
function toRestarts(turn: TurnView): readonly Span[] {
  return turn.resumedAt.filter((at) => at !== turn.startedAt).map((at): Span => {
    const upAt = Date.parse(at);
    const lifeAt = lastLifeBefore(turn, upAt);
    const kept = turn.steps.filter(({ finishedAt }) => finishedAt !== null && Date.parse(finishedAt) <= lifeAt);
    return {
      name: "The process ended",
      ...during("down", lifeAt, upAt),
      mark: "taken up again",
      markTone: "bad",
      details: [
        {
          title: "What happened",
          text: `The process ended some time after ${clockTime(lifeAt)}; nobody can say more exactly. At ` +
            `${clockTime(upAt)} the next one took this turn up again where its journal ended.`,
        },
        {
          title: "What was kept",
          text: kept.length === 0
            ? "Nothing had been finished yet."
            : `${namesOf(kept)}: used as written down, neither asked nor done a second time.`,
        },
        {
          title: "What was done again",
          text: "What had begun and was not finished: a model that was being asked was asked once more.",
        },
      ],
    };
  });
}

/** The last moment before `upAt` of which the journal tells. */
function lastLifeBefore({ steps, startedAt, resumedAt }: TurnView, upAt: number): number {
  const told = [
    startedAt,
    ...resumedAt,
    ...steps.flatMap((step) => [step.startedAt, step.finishedAt ?? step.startedAt]),
  ];
  return Math.max(...told.map((at) => Date.parse(at)).filter((at) => at < upAt));
}

function isCut({ resumedAt }: TurnView, from: number, to: number): boolean {
  return resumedAt.some((at) => Date.parse(at) > from && Date.parse(at) <= to);
}

/** How it ended, where that is no reply. */
function toEnd(turn: TurnView): readonly Span[] {
  if (turn.finishedAt === null || turn.outcome === "answered") return [];
  const end = { ...at(turn.outcome === "failed" ? "failed" : "own", Date.parse(turn.finishedAt)) };
  const says = clockTime(Date.parse(turn.finishedAt));
  if (turn.outcome === "silent") {
    const text = turn.error ?? "The agent had nothing to say, so nothing was sent.";
    return [{ name: "Ended without words", ...end, says, details: [{ title: "Why", text }] }];
  }
  return [{
    name: "Given up",
    ...end,
    says,
    mark: "dead letter",
    markTone: "bad",
    details: [
      { title: "Why", text: turn.error ?? "" },
      { title: "What now", text: "The message is kept: it can be answered again from Dead letters." },
    ],
  }];
}

const sendNames = {
  queued: "Waits to be sent",
  sending: "Being sent",
  sent: "Sent",
  dead: "Could not be sent",
} as const;

function toSend(send: Send, nowMs: number): Span {
  const from = Date.parse(send.queuedAt);
  const isOpen = send.finishedAt === null;
  const marks = [
    send.providerMessageIds.length > 0 ? `id ${send.providerMessageIds[0]}` : "",
    send.attempts > 1 ? `${send.attempts} tries` : "",
    send.unknown ? "perhaps twice" : "",
    send.state === "dead" ? "dead letter" : "",
  ].filter((text) => text !== "");
  const details = [
    { title: "The channel's ids", text: send.providerMessageIds.join(", ") },
    { title: "Tries", text: send.attempts > 1 ? String(send.attempts) : "" },
    { title: "What the channel said", text: send.error ?? "" },
    {
      title: "Perhaps twice",
      text: send.unknown
        ? "The process or the line ended between the channel's taking it and its word that it did. It may stand there " +
          "twice, or not at all: outbound.unknown_send in runtime.yaml decides which."
        : "",
    },
    { title: "What now", text: send.state === "dead" ? "It is kept: send it again from Dead letters." : "" },
  ].filter(({ text }) => text !== "");
  return {
    name: `${sendNames[send.state]} · ${send.channel}`,
    ...during(
      send.state === "dead" ? "failed" : isOpen ? "wait" : "send",
      from,
      isOpen ? nowMs : Date.parse(send.finishedAt ?? ""),
    ),
    mark: marks.join(", ") || undefined,
    markTone: send.state === "dead" ? "bad" : send.attempts > 1 || send.unknown ? "warn" : undefined,
    says: isOpen ? "waits" : undefined,
    details,
  };
}

/** What happened, in sentences for somebody who knows nothing of the inside. */
export function toStory(turn: TurnView, spans: readonly Span[]): readonly string[] {
  const sums = sumUp(spans);
  const parts = ([["wait", "waiting"], ["down", "without a process"], ["model", "the model"], ["tool", "tools"], [
    "failed",
    "tries that failed",
  ], ["send", "sending"]] as const)
    .filter(([kind]) => (sums.get(kind) ?? 0) >= 1)
    .map(([kind, says]) => `${duration(sums.get(kind) ?? 0)} ${says}`);
  const totalMs = Math.max(...spans.map(toOf)) - Math.min(...spans.map(fromOf));
  const ends = { answered: "Answered", failed: "Given up", silent: "Ended without words" } as const;
  const head = turn.outcome === null
    ? `Running for ${duration(totalMs)}`
    : `${ends[turn.outcome]} after ${duration(totalMs)}`;
  const sentences = [parts.length === 0 ? `${head}.` : `${head}: ${parts.join(", ")}.`];
  if (turn.resumedAt.length > 0) sentences.push(toRestartStory(turn));
  return sentences;
}

function toRestartStory(turn: TurnView): string {
  const times = turn.resumedAt.length === 1 ? "once" : `${turn.resumedAt.length} times`;
  const kept = turn.steps.filter(({ finishedAt }) =>
    finishedAt !== null && turn.resumedAt.some((at) => Date.parse(finishedAt) <= Date.parse(at))
  );
  const unknown = turn.steps.filter(({ kind, effect, startedAt, finishedAt }) =>
    kind === "tool" && effect === "once" &&
    turn.resumedAt.some((at) =>
      Date.parse(startedAt) < Date.parse(at) && (finishedAt === null || Date.parse(finishedAt) >= Date.parse(at))
    )
  );
  return [
    `The process ended ${times} while this was answered, and nothing was lost: everything is written down before it counts.`,
    kept.length === 0 ? "" : `What was done by then (${namesOf(kept)}) was used again, not repeated.`,
    unknown.length === 0
      ? ""
      : `Nobody saw how ${
        unknown.map(({ name }) => name).join(", ")
      } ended: it was not repeated, and the agent was told so.`,
  ].filter((text) => text !== "").join(" ");
}

/** What was done, as a person says it. */
function namesOf(steps: readonly Step[]): string {
  return steps.map(({ kind, name }) => kind === "model" ? "the model's answer" : kind === "tool" ? name : "a message")
    .join(", ");
}

function sumUp(spans: readonly Span[]): ReadonlyMap<Kind, number> {
  const sums = new Map<Kind, number>();
  for (const { stretches } of spans) {
    for (const { kind, from, to } of stretches) sums.set(kind, (sums.get(kind) ?? 0) + to - from);
  }
  return sums;
}

/** A line of time, on which a long time without any work may be cut short. */
export interface Scale {
  /** Where a moment stands, from 0 to 1. */
  at(ms: number): number;
  /** What was cut short. */
  readonly cuts: readonly { readonly from: number; readonly to: number }[];
  /** Moments of a few even marks with what they say. */
  readonly marks: readonly { readonly share: number; readonly says: string }[];
}

/** A time in which nothing worked is cut short where it is longer than everything else so many times. */
const longestIdle = 3;

/** Makes the {@linkcode Scale} of some rows. */
export function toScale(spans: readonly Span[]): Scale {
  const begin = Math.min(...spans.map(fromOf));
  const end = Math.max(begin + 1, ...spans.map(toOf));
  const stretches = spans.flatMap((span) => span.stretches);
  const isIdle = ({ kind }: Stretch) => kind === "wait" || kind === "down";
  const idle = stretches.filter((one) =>
    isIdle(one) && !stretches.some((other) => !isIdle(other) && other.from < one.to && other.to > one.from)
  );
  const idleMs = idle.reduce((sum, { from, to }) => sum + to - from, 0);
  const workMs = Math.max(1, end - begin - idleMs);
  const shownMs = workMs / 3;
  const cuts = idle.filter(({ from, to }) => to - from > longestIdle * workMs);
  const savedUntil = (ms: number) =>
    cuts.reduce((sum, { from, to }) => {
      const inside = Math.min(Math.max(ms - from, 0), to - from);
      return sum + inside * (1 - shownMs / (to - from));
    }, 0);
  const lengthMs = end - begin - savedUntil(end);
  const at = (ms: number) => (ms - begin - savedUntil(ms)) / lengthMs;
  const marks = cuts.length > 0
    ? []
    : [0, 0.25, 0.5, 0.75].map((share) => ({ share, says: duration((end - begin) * share) }));
  return { at, cuts, marks };
}

function at(kind: Kind, ms: number) {
  return during(kind, ms, ms);
}

function during(kind: Kind, from: number, to: number) {
  const stretches: readonly [Stretch] = [{ kind, from, to: Math.max(from, to) }];
  return { kind, stretches };
}

function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString();
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function textOf(value: unknown): string {
  return isRecord(value) && typeof value["text"] === "string" ? value["text"] : "";
}

/** The calls that a model's answer holds, as a program would write them. */
function toolsOf(output: unknown): readonly string[] {
  const calls = isRecord(output) ? output["toolCalls"] : undefined;
  if (!Array.isArray(calls)) return [];
  return calls.filter(isRecord).map(({ name, input }) => `${name}(${JSON.stringify(input)})`);
}

function resultOf(output: unknown): string {
  const result = isRecord(output) ? output["result"] : undefined;
  const content = isRecord(result) ? result["content"] : undefined;
  if (!Array.isArray(content)) return pretty(output);
  return content.filter(isRecord).map((part) =>
    part["type"] === "text" ? textOf(part) : part["type"] === "json" ? pretty(part["value"]) : "[image]"
  ).join("\n");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
