import type { ComponentChildren } from "preact";
import type { TurnView } from "../../src/http/turns_api.ts";
import { get } from "../api.ts";
import { Fold, Head, Loading, Pill, useLoaded } from "../ui.tsx";
import { count, duration, money, pretty } from "../words.ts";

/** What happened in one turn, from the first message to the channel's word that it took the answer, to scale. */
export function TurnPage({ id }: { readonly id: string }) {
  const { loaded } = useLoaded((signal) => get<TurnView>(`/api/turns/${encodeURIComponent(id)}`, {}, signal), [id]);
  return <Loading of={loaded}>{(turn) => <Timeline turn={turn} />}</Loading>;
}

/** One row: from when to when something went on. Without an end it still does, or nobody saw how it ended. */
interface Span {
  readonly name: string;
  readonly kind: "wait" | "model" | "tool" | "inbound" | "resume" | "send";
  readonly from: number;
  readonly to: number | undefined;
  /** What stands in place of the time that it took. */
  readonly says?: string | undefined;
  readonly details: readonly { readonly title: string; readonly value: unknown }[];
}

function Timeline({ turn }: { readonly turn: TurnView }) {
  const spans = toSpans(turn);
  const from = Math.min(...spans.map((span) => span.from));
  const to = Math.max(from + 1, ...spans.map((span) => span.to ?? span.from));
  return (
    <>
      <Head title="Turn">
        <Pill state={turn.outcome ?? turn.state} />
        <span class="soft">{turn.agent} · {duration(to - from)}</span>
        <a class="button" href={`#/sessions/${encodeURIComponent(turn.sessionId)}`}>Transcript</a>
      </Head>
      {turn.error !== null && <p class="notice bad">{turn.error}</p>}
      <div class="card timeline">
        {spans.map((span, index) => <Row key={index} span={span} from={from} to={to} restarts={turn.resumedAt} />)}
      </div>
      {turn.resumed > 0 && <p class="notice">{explainRestart(turn)}</p>}
      <p class="soft mono">{toFoot(turn)}</p>
      <p>
        <a href={`#/logs/${encodeURIComponent(turn.id)}`}>Its log</a>
      </p>
    </>
  );
}

function toSpans(turn: TurnView): readonly Span[] {
  const started = Date.parse(turn.startedAt);
  const waits = turn.received.map(({ receivedAt, channel, providerMessageId }, index): Span => ({
    name: index === 0 ? `Received · ${channel ?? "from inside"}` : "Merged into this turn",
    kind: "wait",
    from: Date.parse(receivedAt),
    to: Math.max(started, Date.parse(receivedAt)),
    details: providerMessageId === null ? [] : [{ title: "The channel's id", value: providerMessageId }],
  }));
  const unknownOrigin: Span = {
    name: "Waited for its turn",
    kind: "wait",
    from: Date.parse(turn.receivedAt),
    to: started,
    details: [],
  };
  const steps = turn.steps.map((step): Span => ({
    name: step.kind === "model" ? `Model · ${step.name}` : step.kind === "tool" ? step.name : "A message came in",
    kind: step.kind,
    from: Date.parse(step.startedAt),
    to: toTime(step.finishedAt),
    says: step.finishedAt === null ? "no result" : undefined,
    details: [
      { title: "Tokens", value: step.inputTokens === null ? null : `${step.inputTokens} in, ${step.outputTokens} out` },
      { title: "Cost", value: step.costUsd === null ? null : money(step.costUsd) },
      { title: "Input", value: step.input },
      { title: "Output", value: step.output },
    ].filter(({ value }) => value !== null && value !== undefined),
  }));
  const restarts = turn.resumedAt.map((at): Span => ({
    name: "Restarted, taken up again",
    kind: "resume",
    from: Date.parse(at),
    to: Date.parse(at),
    says: "",
    details: [],
  }));
  const sends = turn.sends.map((send): Span => ({
    name: `${sendNames[send.state]} · ${send.channel}`,
    kind: "send",
    from: Date.parse(send.queuedAt),
    to: toTime(send.finishedAt),
    says: send.finishedAt === null ? "waits" : undefined,
    details: [
      { title: "The channel's ids", value: send.providerMessageIds.join(", ") },
      { title: "Tries", value: send.attempts > 1 ? send.attempts : "" },
      { title: "Error", value: send.error ?? "" },
      { title: "Unknown", value: send.unknown ? "An answer of the channel was lost: it may stand there twice." : "" },
    ].filter(({ value }) => value !== ""),
  }));
  const middle = [...steps, ...restarts].toSorted((one, other) => one.from - other.from);
  return [...waits.length === 0 ? [unknownOrigin] : waits, ...middle, ...sends];
}

const sendNames = { queued: "To be sent", sending: "Being sent", sent: "Sent", dead: "Given up" } as const;

function toTime(at: string | null): number | undefined {
  return at === null ? undefined : Date.parse(at);
}

function Row({ span, from, to, restarts }: {
  readonly span: Span;
  readonly from: number;
  readonly to: number;
  readonly restarts: readonly string[];
}) {
  const share = (at: number) => `${((at - from) / (to - from)) * 100}%`;
  const end = span.to ?? span.from;
  const line: ComponentChildren = (
    <span class="line">
      <span class={span.kind === "tool" ? "name tool" : "name"} title={span.name}>{span.name}</span>
      <span class="track" aria-hidden="true">
        <span
          class={`bar ${span.kind}`}
          style={{ insetInlineStart: share(span.from), inlineSize: `${((end - span.from) / (to - from)) * 100}%` }}
        />
        {restarts.map((at) => <span key={at} class="tick" style={{ insetInlineStart: share(Date.parse(at)) }} />)}
      </span>
      <span class="took">{span.says ?? duration(end - span.from)}</span>
    </span>
  );
  if (span.details.length === 0) return line;
  return (
    <Fold summary={line}>
      {span.details.map(({ title, value }) => [<h3>{title}</h3>, <pre tabIndex={0}>{pretty(value)}</pre>])}
    </Fold>
  );
}

function explainRestart({ resumed, steps }: TurnView): string {
  const lost = steps.filter(({ kind, state, effect }) => kind === "tool" && state === "started" && effect === "once");
  const times = resumed === 1 ? "once" : `${resumed} times`;
  const kept = `The process ended ${times} while this was answered. What was written down by then was used again, ` +
    "and was neither asked nor done a second time.";
  if (lost.length === 0) return kept;
  const names = lost.map(({ name }) => name).join(", ");
  return `${kept} Nobody saw how ${names} ended: it was not repeated, and the agent was told so.`;
}

function toFoot(turn: TurnView): string {
  const parts = [`${turn.inputTokens.toLocaleString()} tokens in, ${turn.outputTokens.toLocaleString()} out`];
  if (turn.costUsd !== null) parts.push(money(turn.costUsd));
  if (turn.model !== null) parts.push(turn.model);
  parts.push(count(turn.steps.filter(({ kind }) => kind === "tool").length, "tool call"));
  return parts.join(" · ");
}
