import { toSubjectToken } from "../../src/core/topic.ts";
import type { Activity } from "../../src/http/activity_api.ts";
import type { BusView } from "../../src/http/bus_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import { count, duration } from "../words.ts";

/** What the map is made of. */
interface World {
  readonly status: Status;
  readonly activity: Activity | undefined;
  readonly bus: BusView | undefined;
}

interface Node {
  readonly name: string;
  /** How much goes through it. */
  readonly rate: string;
  /** What waits in it, or what is wrong. */
  readonly note: string;
  readonly tone: "" | "warn" | "bad";
  readonly href: string;
  /** What it is connected with, for those who do not see the lines. */
  readonly link: string;
}

interface Stage {
  readonly title: string;
  readonly nodes: readonly Node[];
}

/** What is connected with what, how much goes there and what waits: channels, the bus, agents, models. */
export function Flow(world: World) {
  const channels = shorten(toChannels(world), "#/channels");
  const agents = shorten(toAgents(world), "#/agents");
  const names = [...new Set(world.status.agents.map(({ model }) => model))];
  const models = shorten(names.map((name) => toModel(world, name)), "#/models");
  const stages: readonly Stage[] = [
    { title: "Channels", nodes: channels },
    { title: "Bus", nodes: [toBus(world)] },
    { title: "Agents", nodes: agents },
    { title: "Models", nodes: models },
  ];
  const rows = Math.max(...stages.map(({ nodes }) => nodes.length), 1);
  return (
    <div class="flow">
      <svg
        class="lines"
        viewBox={`0 0 100 ${rows}`}
        height={rows * rowHeight}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {channels.map(({ name }, index) => (
          <Line key={name} column={0} from={middleOf(rows, channels.length, index)} to={rows / 2} />
        ))}
        {agents.map(({ name }, index) => {
          const middle = middleOf(rows, agents.length, index);
          const asked = world.status.agents.find(({ id }) => id === name)?.model;
          const model = models.findIndex((one) => one.name === asked);
          const last = models.length - 1;
          return [
            <Line key={name} column={1} from={rows / 2} to={middle} />,
            last >= 0 && (
              <Line
                key={`${name} model`}
                column={2}
                from={middle}
                to={middleOf(rows, models.length, model === -1 ? last : model)}
              />
            ),
          ];
        })}
      </svg>
      {stages.map(({ title, nodes }) => (
        <section key={title} class="stage">
          <h3>{title}</h3>
          <ul>{nodes.map((node) => <Box key={node.name} node={node} />)}</ul>
        </section>
      ))}
    </div>
  );
}

/** A column is no longer than this: what is longer is no map any more. */
const mostNodes = 8;

/** Those that need somebody first, then as they stand; the others are summed up. */
function shorten(nodes: readonly Node[], href: string): readonly Node[] {
  if (nodes.length <= mostNodes) return nodes;
  const rank = { bad: 0, warn: 1, "": 2 } as const;
  const shown = nodes.toSorted((one, other) => rank[one.tone] - rank[other.tone]).slice(0, mostNodes - 1);
  const rest = nodes.filter((node) => !shown.includes(node));
  const ill = rest.filter(({ tone }) => tone !== "").length;
  return [...nodes.filter((node) => shown.includes(node)), {
    name: `${rest.length.toLocaleString()} others`,
    rate: "",
    note: ill === 0 ? "all well" : `${ill.toLocaleString()} of them not well`,
    tone: ill === 0 ? "" : "warn",
    href,
    link: "",
  }];
}

function Box({ node: { name, rate, note, tone, href, link } }: { readonly node: Node }) {
  return (
    <li>
      <a href={href} class={`node ${tone}`}>
        <strong title={name}>{name}</strong>
        <span>{rate}</span>
        <span class="note">{note}</span>
        <span class="visually-hidden">{link}</span>
      </a>
    </li>
  );
}

/** Of a box and the room below it, pixels: as the style sheet has it. */
const rowHeight = 86;
/** Where each column begins and how wide it is, in hundredths: as the style sheet has it. */
const columns = [0, 26, 52, 78] as const;
const columnWidth = 22;

function middleOf(rows: number, nodes: number, index: number): number {
  return (rows - nodes) / 2 + index + 0.5;
}

function Line({ column, from, to }: { readonly column: 0 | 1 | 2; readonly from: number; readonly to: number }) {
  const start = columns[column] + columnWidth;
  const end = columns[column + 1] ?? 100;
  const bend = (start + end) / 2;
  return (
    <path
      d={`M${start} ${from} C${bend} ${from} ${bend} ${to} ${end} ${to}`}
      vector-effect="non-scaling-stroke"
    />
  );
}

function toChannels({ status, activity, bus }: World): readonly Node[] {
  const outside = status.channels.map(({ plugin, instance, state, agents }): Node => {
    const name = `${plugin}.${instance}`;
    const waits = bus?.outbox.find(({ channel }) => channel === name);
    return {
      name,
      rate: toTraffic([name], activity, bus),
      note: state !== "up"
        ? state
        : waits === undefined
        ? agents.length === 0 ? "heard by nobody" : ""
        : `${waits.waiting.toLocaleString()} to send, ${duration(waits.oldestSeconds * 1_000)}`,
      tone: state === "down" ? "bad" : state !== "up" || waits !== undefined || agents.length === 0 ? "warn" : "",
      href: "#/channels",
      link: agents.length === 0 ? "" : `heard by ${agents.join(", ")}`,
    };
  });
  const inner = status.agents.flatMap(({ id }) => [`console.${id}`, `api.${id}`]);
  return [...outside, {
    name: "console and API",
    rate: toTraffic(inner, activity, bus),
    note: "",
    tone: "",
    href: "#/chat",
    link: "heard by every agent",
  }];
}

function toTraffic(channels: readonly string[], activity: Activity | undefined, bus: BusView | undefined): string {
  const subjects = channels.map((channel) => channel.split(".").map(toSubjectToken).join("."));
  const lastMinute = (kind: string) =>
    bus?.subjects.filter(({ subject }) => subjects.some((one) => subject === `plugin.${kind}.${one}`)) ?? [];
  const came = lastMinute("inbound").reduce((sum, { cameLastMinute }) => sum + cameLastMinute, 0);
  const went = lastMinute("outbound").reduce((sum, { wentLastMinute }) => sum + wentLastMinute, 0);
  if (came + went > 0) return `${came.toLocaleString()} in, ${went.toLocaleString()} out a minute`;
  const received = activity?.channels.filter(({ channel }) => channels.includes(channel))
    .reduce((sum, row) => sum + row.received, 0) ?? 0;
  return received === 0 ? "quiet" : `${received.toLocaleString()} in, last hour`;
}

function toBus({ status, bus }: World): Node {
  const { inbox, spill } = status.queues;
  const waiting = inbox.depth + spill.depth;
  const came = bus?.subjects.reduce((sum, { cameLastMinute }) => sum + cameLastMinute, 0) ?? 0;
  const { state, reason } = status.subsystems.find(({ name }) => name === "bus") ?? { state: "ok", reason: undefined };
  const isAway = bus?.nats?.state === "down";
  return {
    name: bus?.nats === undefined ? "inside the process" : isAway ? "NATS is away" : "NATS",
    rate: came === 0 ? "quiet" : `${count(came, "event")} a minute`,
    note: waiting === 0
      ? "nothing waits"
      : `${waiting.toLocaleString()} wait, ${duration(Math.max(inbox.oldestSeconds, spill.oldestSeconds) * 1_000)}`,
    tone: state === "ok" ? "" : "warn",
    href: "#/bus",
    link: reason ?? "",
  };
}

function toAgents({ status, activity, bus }: World): readonly Node[] {
  const waiting = bus?.consumers.flatMap(({ subjects }) => subjects) ?? [];
  return status.agents.map(({ id, trouble, hears, model }): Node => {
    const running = activity?.running.find(({ agent }) => agent === id)?.turns ?? 0;
    const subjects = [...hears, `console.${id}`, `api.${id}`]
      .map((channel) => `plugin.inbound.${channel.split(".").map(toSubjectToken).join(".")}`);
    const own = waiting.filter(({ subject }) => subjects.includes(subject) || subject.split(".").at(2) === id);
    const rows = own.reduce((sum, one) => sum + one.waiting, 0);
    const oldestSeconds = Math.max(0, ...own.map((one) => one.oldestSeconds));
    return {
      name: id,
      rate: running > 0 ? `${count(running, "turn")} running` : `hears ${count(hears.length, "channel")}`,
      note: trouble !== undefined
        ? "cannot answer"
        : rows === 0
        ? ""
        : `${rows.toLocaleString()} wait, ${duration(oldestSeconds * 1_000)}`,
      tone: trouble !== undefined ? "bad" : "",
      href: `#/agents/${encodeURIComponent(id)}`,
      link: trouble ?? `asks ${model}`,
    };
  });
}

const breakers = {
  ok: ["breaker closed", ""],
  starting: ["breaker closed", ""],
  degraded: ["breaker half open", "warn"],
  down: ["breaker open", "bad"],
} as const;

function toModel({ status, activity }: World, name: string): Node {
  const provider = name.split("/")[0] ?? "";
  const row = activity?.models.find(({ model }) => model === name || name.endsWith(`/${model}`));
  const subsystem = status.subsystems.find((one) => one.name === `llm.${provider}`);
  const [note, tone] = subsystem === undefined ? ["", ""] as const : breakers[subsystem.state];
  return {
    name,
    rate: row === undefined ? "not asked lately" : `${duration(row.medianMs)}, ${count(row.calls, "answer")}`,
    note,
    tone,
    href: "#/models",
    link: subsystem?.reason ?? "",
  };
}
