import { useEffect, useState } from "preact/hooks";
import type { TurnView } from "../../src/http/turns_api.ts";
import { get } from "../api.ts";
import type { LiveStatus } from "../live.ts";
import { Fold, Head, Loading, Pill, useLoaded, When } from "../ui.tsx";
import { count, duration, money } from "../words.ts";
import { StopButton } from "./exchange.tsx";
import { type Detail, fromOf, type Scale, type Span, toOf, toScale, toSpans, toStory } from "./timeline.ts";

/** What happened in one turn, from the first message to the channel's word that it took the answer, to scale. */
export function TurnPage({ id, live }: { readonly id: string; readonly live: LiveStatus }) {
  const [isOpen, setIsOpen] = useState(false);
  // While it runs the process tells of every change: that is when to look again.
  const told = isOpen ? live.status.value : undefined;
  const { loaded } = useLoaded(
    (signal) => get<TurnView>(`/api/turns/${encodeURIComponent(id)}`, {}, signal),
    [id, told],
  );
  const open = loaded.state === "loaded" && isGoingOn(loaded.value);
  useEffect(() => setIsOpen(open), [open]);
  return <Loading of={loaded}>{(turn) => <Timeline turn={turn} />}</Loading>;
}

function isGoingOn({ state, sends }: TurnView): boolean {
  return state === "running" || sends.some((send) => send.state === "queued" || send.state === "sending");
}

function Timeline({ turn }: { readonly turn: TurnView }) {
  const spans = toSpans(turn, Date.now());
  const scale = toScale(spans);
  const [story, ...notices] = toStory(turn, spans);
  return (
    <>
      <Head title="Turn">
        <Pill state={turn.outcome ?? turn.state} />
        <span class="soft">
          {turn.agent} · <When at={turn.receivedAt} />
        </span>
        {turn.state === "running" && <StopButton turnId={turn.id} />}
        <a class="button" href={`#/sessions/${encodeURIComponent(turn.sessionId)}`}>Transcript</a>
      </Head>
      <p>{story}</p>
      {turn.outcome === "failed" && turn.error !== null && (
        <div class="notice bad">
          <p>{turn.error}</p>
          <p class="soft">
            The message is not lost. Mend what is wrong, then answer it again:{" "}
            <a href="#/dead-letters">Dead letters</a>, or <code>agent dlq replay</code>
          </p>
        </div>
      )}
      {notices.map((notice) => <p key={notice} class="notice">{notice}</p>)}
      <section class="card timeline" aria-label="Timeline">
        {scale.marks.length > 0 && <Ruler scale={scale} />}
        {spans.map((span, index) => <Row key={index} span={span} scale={scale} />)}
        {scale.cuts.length > 0 && (
          <p class="soft small">
            The hatched time is drawn shorter than it was; everything else is to scale.
          </p>
        )}
        <Foot turn={turn} />
      </section>
      <p>
        <a href={`#/logs/${encodeURIComponent(turn.id)}`}>Follow its log</a>
        {turn.traceId !== null && [
          " · its spans lie in the collector under trace ",
          <code key="trace">{turn.traceId}</code>,
        ]}
      </p>
    </>
  );
}

function Ruler({ scale }: { readonly scale: Scale }) {
  return (
    <div class="line ruler" aria-hidden="true">
      <span />
      <span class="track">
        {scale.marks.map(({ share, says }) => (
          <span key={share} class="scale-mark" style={{ insetInlineStart: toPercent(share) }}>{says}</span>
        ))}
      </span>
      <span />
    </div>
  );
}

function Row({ span, scale }: { readonly span: Span; readonly scale: Scale }) {
  const line = (
    <span class="line">
      <span class="name">
        <span class={span.kind === "tool" ? "tool" : undefined}>{span.name}</span>
        {span.mark !== undefined && <small class={span.markTone}>{span.mark}</small>}
      </span>
      <span class="track" aria-hidden="true">
        {span.stretches.map(({ kind, from, to }, index) => (
          <span
            key={index}
            class={from === to ? `bar point ${kind}` : `bar ${kind}`}
            style={{
              insetInlineStart: toPercent(scale.at(from)),
              inlineSize: toPercent(scale.at(to) - scale.at(from)),
            }}
          />
        ))}
      </span>
      <span class="took">{span.says ?? duration(toOf(span) - fromOf(span))}</span>
    </span>
  );
  if (span.details.length === 0) return <div class="step">{line}</div>;
  return (
    <Fold summary={line} open={span.kind === "down"}>
      <div class="details">{span.details.map((detail) => <Part key={detail.title} detail={detail} />)}</div>
    </Fold>
  );
}

function Part({ detail: { title, text, block = false } }: { readonly detail: Detail }) {
  return (
    <>
      <h3>{title}</h3>
      {block ? <pre tabIndex={0}>{text}</pre> : <p class="plain">{text}</p>}
    </>
  );
}

function Foot({ turn }: { readonly turn: TurnView }) {
  const steps = (kind: string) => turn.steps.filter((step) => step.kind === kind).length;
  const sum = (name: "inputTokens" | "outputTokens") =>
    turn.steps.reduce((total, step) => total + (step[name] ?? 0), 0);
  const costUsd = turn.costUsd ?? turn.steps.reduce((total, step) => total + (step.costUsd ?? 0), 0);
  const isPriced = turn.costUsd !== null || turn.steps.some((step) => step.costUsd !== null);
  return (
    <dl class="foot">
      <dt>Tokens</dt>
      <dd>{sum("inputTokens").toLocaleString()} in, {sum("outputTokens").toLocaleString()} out</dd>
      <dt>Money</dt>
      <dd>{isPriced ? money(costUsd) : "price not known"}</dd>
      <dt>Steps</dt>
      <dd>{count(steps("model"), "model call")}, {count(steps("tool"), "tool call")}</dd>
    </dl>
  );
}

function toPercent(share: number): string {
  return `${Math.round(share * 100_000) / 1_000}%`;
}
