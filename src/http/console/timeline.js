import { get } from "./api.js";
import { duration, fold, h, head, pill, pretty } from "./dom.js";

/** What happened in one turn, step by step and to scale. */
export async function openTimeline(main, [id], signal) {
  const turn = await get(`/api/turns/${encodeURIComponent(id)}`, {}, signal);
  const from = Date.parse(turn.receivedAt);
  const ends = turn.steps.map((step) => Date.parse(step.finishedAt ?? step.startedAt));
  const to = Math.max(Date.parse(turn.finishedAt ?? turn.startedAt), ...ends, from + 1);
  const scale = { from, length: to - from };
  main.replaceChildren(
    head(
      "Turn",
      pill(turn.outcome ?? turn.state),
      h("span", { class: "soft" }, `${turn.agent} · ${duration(to - from)}`),
      h("a", { class: "button", href: `#/sessions/${encodeURIComponent(turn.sessionId)}` }, "Transcript"),
    ),
    turn.error === null ? "" : h("p", { class: "notice bad" }, turn.error),
    h(
      "div",
      { class: "card timeline" },
      line("Waited for its turn", "wait", turn.receivedAt, turn.startedAt, scale),
      ...turn.steps.map((step) => stepLine(step, scale)),
    ),
    h("p", { class: "soft mono" }, ...foot(turn)),
  );
}

function stepLine(step, scale) {
  const names = { model: `Model · ${step.name}`, tool: step.name, inbound: "A message came in" };
  const bar = line(names[step.kind], step.kind, step.startedAt, step.finishedAt, scale);
  const details = [["Input", step.input], ["Output", step.output]].filter(([, value]) =>
    value !== null && value !== undefined
  );
  if (details.length === 0) return bar;
  return fold([bar], ...details.flatMap(([name, value]) => [h("h3", {}, name), h("pre", {}, pretty(value))]));
}

function line(name, kind, startedAt, finishedAt, { from, length }) {
  const start = Date.parse(startedAt);
  const end = finishedAt === null ? start : Date.parse(finishedAt);
  const bar = h("span", { class: `bar ${kind}` });
  // Set through the style object: the page's policy forbids style attributes.
  bar.style.insetInlineStart = `${((start - from) / length) * 100}%`;
  bar.style.inlineSize = `${((end - start) / length) * 100}%`;
  return h(
    "span",
    { class: "line" },
    h("span", { class: kind === "tool" ? "name tool" : "name" }, name),
    h("span", { class: "track", "aria-hidden": "true" }, bar),
    h("span", { class: "took" }, finishedAt === null ? "no result" : duration(end - start)),
  );
}

function foot(turn) {
  const parts = [`${turn.inputTokens.toLocaleString()} tokens in, ${turn.outputTokens.toLocaleString()} out`];
  if (turn.costUsd !== null) parts.push(`$${turn.costUsd.toFixed(4)}`);
  if (turn.model !== null) parts.push(turn.model);
  if (turn.resumed > 0) {
    parts.push(`picked up again after ${turn.resumed === 1 ? "a restart" : `${turn.resumed} restarts`}`);
  }
  return [parts.join(" · ")];
}
