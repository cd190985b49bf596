import type { TurnView } from "../../src/http/api.ts";
import { get } from "../api.ts";
import { Fold, Head, Loading, Pill, useLoaded } from "../ui.tsx";
import { duration, money, pretty } from "../words.ts";

/** What happened in one turn, step by step and to scale. */
export function TurnPage({ id }: { readonly id: string }) {
  const { loaded } = useLoaded((signal) => get<TurnView>(`/api/turns/${encodeURIComponent(id)}`, {}, signal), [id]);
  return <Loading of={loaded}>{(turn) => <Timeline turn={turn} />}</Loading>;
}

interface Scale {
  readonly from: number;
  readonly length: number;
}

function Timeline({ turn }: { readonly turn: TurnView }) {
  const from = Date.parse(turn.receivedAt);
  const ends = turn.steps.map((step) => Date.parse(step.finishedAt ?? step.startedAt));
  const to = Math.max(Date.parse(turn.finishedAt ?? turn.startedAt), ...ends, from + 1);
  const scale = { from, length: to - from };
  return (
    <>
      <Head title="Turn">
        <Pill state={turn.outcome ?? turn.state} />
        <span class="soft">{turn.agent} · {duration(to - from)}</span>
        <a class="button" href={`#/sessions/${encodeURIComponent(turn.sessionId)}`}>Transcript</a>
      </Head>
      {turn.error !== null && <p class="notice bad">{turn.error}</p>}
      <div class="card timeline">
        <Line
          name="Waited for its turn"
          kind="wait"
          startedAt={turn.receivedAt}
          finishedAt={turn.startedAt}
          scale={scale}
        />
        {turn.steps.map((step) => <Step key={step.seq} step={step} scale={scale} />)}
      </div>
      <p class="soft mono">{toFoot(turn)}</p>
    </>
  );
}

const stepNames = {
  model: (name: string) => `Model · ${name}`,
  tool: (name: string) => name,
  inbound: () => "A message came in",
};

function Step({ step, scale }: { readonly step: TurnView["steps"][number]; readonly scale: Scale }) {
  const name = stepNames[step.kind](step.name);
  const line = (
    <Line name={name} kind={step.kind} startedAt={step.startedAt} finishedAt={step.finishedAt} scale={scale} />
  );
  const details = [{ title: "Input", value: step.input }, { title: "Output", value: step.output }].filter(({ value }) =>
    value !== null && value !== undefined
  );
  if (details.length === 0) return line;
  return <Fold summary={line}>{details.map(({ title, value }) => [<h3>{title}</h3>, <pre>{pretty(value)}</pre>])}
  </Fold>;
}

function Line({ name, kind, startedAt, finishedAt, scale }: {
  readonly name: string;
  readonly kind: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly scale: Scale;
}) {
  const start = Date.parse(startedAt);
  const end = finishedAt === null ? start : Date.parse(finishedAt);
  const place = {
    insetInlineStart: `${((start - scale.from) / scale.length) * 100}%`,
    inlineSize: `${((end - start) / scale.length) * 100}%`,
  };
  return (
    <span class="line">
      <span class={kind === "tool" ? "name tool" : "name"}>{name}</span>
      <span class="track" aria-hidden="true">
        <span class={`bar ${kind}`} style={place} />
      </span>
      <span class="took">{finishedAt === null ? "no result" : duration(end - start)}</span>
    </span>
  );
}

function toFoot(turn: TurnView): string {
  const parts = [`${turn.inputTokens.toLocaleString()} tokens in, ${turn.outputTokens.toLocaleString()} out`];
  if (turn.costUsd !== null) parts.push(money(turn.costUsd));
  if (turn.model !== null) parts.push(turn.model);
  if (turn.resumed > 0) {
    parts.push(`picked up again after ${turn.resumed === 1 ? "a restart" : `${turn.resumed} restarts`}`);
  }
  return parts.join(" · ");
}
