import type { Activity } from "../../src/http/activity_api.ts";
import type { BusView } from "../../src/http/bus_api.ts";
import type { Queues, Status } from "../../src/http/status_api.ts";
import { type LiveStatus, useStream } from "../live.ts";
import { Head, Late, Pill } from "../ui.tsx";
import { count, duration, money } from "../words.ts";
import { FindMessage } from "./find.tsx";
import { Flow } from "./flow.tsx";
import { Needs } from "./needs.tsx";
import { PauseIntake } from "./pause.tsx";

/** Is it answering people, what needs somebody, what happened with a message; and what is connected with what. */
export function OverviewPage({ live }: { readonly live: LiveStatus }) {
  const bus = useStream<BusView>("/api/bus/live", "bus");
  const status = live.status.value;
  const activity = live.activity.value;
  const isThere = live.connected.value;
  if (status === undefined) return <Late />;
  // The clock of the browser may be another one.
  const upMs = Math.max(0, Date.now() - Date.parse(status.startedAt));
  return (
    <>
      <Head title="Overview">
        <Pill state={isThere && status.ready ? "ready" : "down"} />
        <span class="soft mono">up {duration(upMs)} · {status.version} · process {status.pid}</span>
      </Head>
      {isThere ? <Answering status={status} activity={activity} /> : <Silent />}
      <Figures queues={status.queues} activity={activity} />
      <Needs status={status} strangers={activity?.strangers ?? 0} />
      <section class="card stack">
        <h2>What happened with a message?</h2>
        <FindMessage />
      </section>
      <section class="card stack">
        <h2>Right now</h2>
        <Flow status={status} activity={activity} bus={bus} />
      </section>
    </>
  );
}

/** The first question, answered in a sentence. */
function Answering({ status, activity }: { readonly status: Status; readonly activity: Activity | undefined }) {
  const { word, why } = toAnswer(status);
  const { ended = 0, failed = 0 } = activity?.turns ?? {};
  const work = ended === 0
    ? "Nobody wrote in the last hour."
    : `${count(ended, "turn")} in the last hour, ${
      failed === 0 ? "none failed" : `${failed.toLocaleString()} failed`
    }.`;
  return (
    <section class={`card stack ${word === "Yes." ? "" : word === "No." ? "act" : "need"}`}>
      <h2>Is it answering people?</h2>
      <p>
        <strong>{word}</strong> {why} {activity !== undefined && work} {sayWaiting(status.queues)}
      </p>
      <PauseIntake paused={status.paused} />
    </section>
  );
}

/** In place of an answer, while nobody gives one. */
function Silent() {
  return (
    <section class="card stack act">
      <h2>Is it answering people?</h2>
      <p>
        <strong>No.</strong>{" "}
        The process does not answer. What it had accepted is not lost, and what stands below is how it was. See whether
        it runs with <code>agent status</code>, and why it ended with <code>agent doctor</code>.
      </p>
    </section>
  );
}

function toAnswer(
  { ready, paused, subsystems, agents, channels }: Status,
): { readonly word: string; readonly why: string } {
  const critical = subsystems.find((one) => one.critical && one.state !== "ok" && !(paused && one.name === "intake"));
  if (paused && critical === undefined) {
    const why = "New messages wait with their senders until somebody resumes. What was accepted is answered.";
    return { word: "Paused.", why };
  }
  if (!ready) return { word: "No.", why: `${critical?.reason ?? "It is not ready"}. What was accepted is not lost.` };
  if (agents.length === 0) return { word: "No.", why: "There is no agent: agent setup makes one." };
  const silent = agents.filter(({ trouble }) => trouble !== undefined).map(({ id }) => id);
  if (silent.length === agents.length) return { word: "No.", why: "No agent can answer; see below why." };
  const away = channels.filter(({ state }) => state === "down").map(({ plugin, instance }) => `${plugin}.${instance}`);
  const open = subsystems.filter(({ name, state }) => name.startsWith("llm.") && state === "down")
    .map(({ name }) => name.slice("llm.".length));
  const exceptions = [
    ...away.length === 0 ? [] : [`${away.join(", ")} ${away.length === 1 ? "is" : "are"} down`],
    ...silent.length === 0 ? [] : [`${silent.join(", ")} cannot answer`],
    ...open.length === 0 ? [] : [`the model provider ${open.join(", ")} fails and is paused`],
  ];
  return exceptions.length === 0
    ? { word: "Yes.", why: "" }
    : { word: "Not everywhere.", why: `${toCapital(exceptions.join(", "))}.` };
}

function toCapital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function sayWaiting({ inbox, outbox, spill }: Queues): string {
  const parts = [
    ...inbox.depth === 0 ? [] : [`${count(inbox.depth, "message")} to be answered`],
    ...outbox.depth === 0 ? [] : [`${count(outbox.depth, "reply", "replies")} to be sent`],
    ...spill.depth === 0 ? [] : [`${count(spill.depth, "event")} for NATS`],
  ];
  return parts.length === 0 ? "Nothing waits." : `Nothing is lost: ${parts.join(", ")}.`;
}

function Figures({ queues, activity }: { readonly queues: Queues; readonly activity: Activity | undefined }) {
  const waiting = queues.inbox.depth + queues.outbox.depth + queues.spill.depth;
  const oldestSeconds = Math.max(queues.inbox.oldestSeconds, queues.outbox.oldestSeconds, queues.spill.oldestSeconds);
  const turns = activity?.turns;
  const spent = activity?.spentToday ?? [];
  const [first] = spent;
  return (
    <div class="figures">
      <Figure
        name="Turns, last hour"
        value={(turns?.ended ?? 0).toLocaleString()}
        note={turns?.failed ? `${turns.failed.toLocaleString()} failed` : "none failed"}
      />
      <Figure name="Waiting" value={waiting.toLocaleString()} note={toAge(waiting, oldestSeconds)} />
      <Figure
        name="Model time, median"
        value={turns === undefined || turns.modelMs === null ? "–" : duration(turns.modelMs)}
        note={turns === undefined || turns.addedMs === null
          ? "no turn yet"
          : `we add ${duration(Math.max(0, turns.addedMs))}`}
      />
      <Figure
        name="Spent today"
        value={money(spent.reduce((sum, { costUsd }) => sum + costUsd, 0))}
        note={first === undefined ? "no model asked" : `most by ${first.agent}`}
      />
      <Figure
        name="Dead letters"
        value={queues.dead.depth.toLocaleString()}
        note={toAge(queues.dead.depth, queues.dead.oldestSeconds)}
        tone={queues.dead.depth > 0 ? "bad" : ""}
      />
    </div>
  );
}

function Figure({ name, value, note, tone = "" }: {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly tone?: "" | "bad";
}) {
  return (
    <div class="card figure">
      <span>{name}</span>
      <strong class={tone}>{value}</strong>
      <small>{note}</small>
    </div>
  );
}

function toAge(depth: number, oldestSeconds: number): string {
  return depth === 0 ? "nothing" : `oldest ${duration(oldestSeconds * 1_000)}`;
}
