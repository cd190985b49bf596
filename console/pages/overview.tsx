import type { Activity } from "../../src/http/activity_api.ts";
import type { Queues, Status } from "../../src/http/status_api.ts";
import type { LiveStatus } from "../live.ts";
import { Head, Pill } from "../ui.tsx";
import { count, duration, money } from "../words.ts";

/** Is it answering people, what needs somebody, and what is connected with what. */
export function OverviewPage({ live }: { readonly live: LiveStatus }) {
  const status = live.status.value;
  const activity = live.activity.value;
  if (status === undefined) return null;
  const upMs = Date.now() - Date.parse(status.startedAt);
  return (
    <>
      <Head title="Overview">
        <Pill state={status.ready ? "ready" : "down"} />
        <span class="soft mono">up {duration(upMs)} · {status.version} · process {status.pid}</span>
      </Head>
      <Figures queues={status.queues} activity={activity} />
      <Needs status={status} strangers={activity?.strangers ?? 0} />
      <section class="card">
        <h2>Right now</h2>
        <Flow status={status} activity={activity} />
      </section>
    </>
  );
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

/** Everything that waits for a person, each in words with its remedy. */
function Needs({ status, strangers }: { readonly status: Status; readonly strangers: number }) {
  const troubled = status.subsystems.filter(({ state, reason }) => state !== "ok" && reason !== undefined);
  const { dead } = status.queues;
  const linking = status.channels.filter(({ pairing }) => pairing !== undefined);
  const keyless = status.agents.filter(({ model }) => model.startsWith("demo/"));
  const isQuiet = troubled.length + strangers + dead.depth + linking.length + keyless.length === 0;
  return (
    <section class={isQuiet ? "card" : "card need"}>
      <h2>Needs you</h2>
      {isQuiet ? <p class="soft">Nothing. Everything that was accepted is answered, or on its way.</p> : (
        <ul>
          {troubled.map(({ name, state, reason }) => (
            <li key={name}>
              <span>
                <b>{name}</b>: {reason}
              </span>
              <Pill state={state} />
            </li>
          ))}
          {linking.map(({ plugin, instance }) => (
            <li key={`${plugin}.${instance}`}>
              <span>
                <b>{plugin}.{instance}</b> waits to be linked with a phone.
              </span>
              <a class="button" href="#/channels">Show the code</a>
            </li>
          ))}
          {strangers > 0 && (
            <li>
              <span>
                {strangers === 1 ? "Somebody waits" : `${strangers.toLocaleString()} people wait`} to be let in.
              </span>
              <a class="button" href="#/channels">Who</a>
            </li>
          )}
          {dead.depth > 0 && (
            <li>
              <span>
                {count(dead.depth, "dead letter")}: could not be answered or delivered, kept to be tried again.
              </span>
              <a class="button" href="#/dead-letters">Look</a>
            </li>
          )}
          {keyless.map(({ id }) => (
            <li key={id}>
              <span>
                <b>{id}</b> answers with the built-in demo model: no provider has a key.
              </span>
              <a class="button" href="#/models">Models</a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface Node {
  readonly name: string;
  readonly note: string;
  readonly tone: "" | "warn" | "bad";
  readonly href: string;
}

const rowHeight = 62;
const boxHeight = 46;
const columns = [10, 300, 590, 880] as const;
const boxWidth = 190;

/** What is connected with what: channels, the bus, agents, models. */
function Flow({ status, activity }: { readonly status: Status; readonly activity: Activity | undefined }) {
  const channels: readonly Node[] = [
    ...status.channels.map(({ plugin, instance, state, agents }): Node => ({
      name: `${plugin}.${instance}`,
      note: agents.length === 0
        ? "heard by nobody"
        : state === "up"
        ? toTraffic(activity, [`${plugin}.${instance}`])
        : state,
      tone: state === "down" ? "bad" : state === "up" ? "" : "warn",
      href: "#/channels",
    })),
    {
      name: "console and API",
      note: toTraffic(activity, status.agents.flatMap(({ id }) => [`console.${id}`, `api.${id}`])),
      tone: "",
      href: "#/chat",
    },
  ];
  const bus = status.subsystems.find(({ name }) => name === "bus" || name === "nats");
  const agents = status.agents.map(({ id, trouble, hears }): Node => ({
    name: id,
    note: trouble === undefined ? toWork(activity, id, hears.length) : "cannot answer",
    tone: trouble === undefined ? "" : "bad",
    href: "#/agents",
  }));
  const names = [...new Set(status.agents.map(({ model }) => model))];
  const models = names.map((name): Node => ({ name, note: toPace(activity, name), tone: "", href: "#/models" }));
  const height = Math.max(channels.length, agents.length, models.length, 1) * rowHeight;
  const middleOf = (list: readonly unknown[], index: number) =>
    (height - list.length * rowHeight) / 2 + index * rowHeight + rowHeight / 2;
  const center = height / 2;
  return (
    <svg class="flow" viewBox={`0 0 1080 ${height}`} role="group" aria-label="Channels, the bus, agents and models">
      {channels.map((_, index) => <Link key={index} column={0} from={middleOf(channels, index)} to={center} />)}
      {agents.map(({ name }, index) => [
        <Link key={name} column={1} from={center} to={middleOf(agents, index)} />,
        <Link
          key={`${name} model`}
          column={2}
          from={middleOf(agents, index)}
          to={middleOf(models, names.indexOf(status.agents[index]?.model ?? ""))}
        />,
      ])}
      {channels.map((node, index) => <Box key={node.name} column={0} middle={middleOf(channels, index)} node={node} />)}
      <Box
        column={1}
        middle={center}
        node={{
          name: "bus",
          note: bus?.state ?? "inside this process",
          tone: bus?.state === "down" ? "warn" : "",
          href: "#/dead-letters",
        }}
      />
      {agents.map((node, index) => <Box key={node.name} column={2} middle={middleOf(agents, index)} node={node} />)}
      {models.map((node, index) => <Box key={node.name} column={3} middle={middleOf(models, index)} node={node} />)}
    </svg>
  );
}

function Box(
  { column, middle, node }: { readonly column: 0 | 1 | 2 | 3; readonly middle: number; readonly node: Node },
) {
  const x = columns[column];
  return (
    <a href={node.href} class={`node ${node.tone}`}>
      <rect x={x} y={middle - boxHeight / 2} width={boxWidth} height={boxHeight} rx={8} />
      <text x={x + 14} y={node.note === "" ? middle + 4 : middle - 3}>{shorten(node.name)}</text>
      <text class="note" x={x + 14} y={middle + 14}>{node.note}</text>
    </a>
  );
}

function Link({ column, from, to }: { readonly column: 0 | 1 | 2; readonly from: number; readonly to: number }) {
  const start = columns[column] + boxWidth;
  const end = columns[column + 1] ?? 0;
  const bend = (start + end) / 2;
  return <path d={`M${start} ${from} C${bend} ${from} ${bend} ${to} ${end} ${to}`} />;
}

function shorten(name: string): string {
  return name.length <= 24 ? name : `${name.slice(0, 23)}…`;
}

function toTraffic(activity: Activity | undefined, names: readonly string[]): string {
  const rows = activity?.channels.filter(({ channel }) => names.includes(channel)) ?? [];
  const received = rows.reduce((sum, row) => sum + row.received, 0);
  return received === 0 ? "quiet" : `${received.toLocaleString()} in the last hour`;
}

function toWork(activity: Activity | undefined, agent: string, channels: number): string {
  const turns = activity?.running.find((row) => row.agent === agent)?.turns ?? 0;
  return turns > 0 ? `${count(turns, "turn")} running` : `hears ${count(channels, "channel")}`;
}

function toPace(activity: Activity | undefined, name: string): string {
  const row = activity?.models.find(({ model }) => model === name || name.endsWith(`/${model}`));
  return row === undefined ? "not asked lately" : `${duration(row.medianMs)}, ${count(row.calls, "answer")}`;
}
