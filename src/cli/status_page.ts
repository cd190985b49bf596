import { formatDuration } from "../lib/duration.ts";
import type { AgentView } from "../http/agents_api.ts";
import type { ChannelView } from "../http/channels_api.ts";
import type { Queues, Status } from "../http/status_api.ts";
import type { Ink } from "./ink.ts";
import { toPlain } from "./plain.ts";
import { sayAgo, sayTime } from "./say.ts";
import { formatTable } from "./table.ts";
import { wrapText } from "./wrap.ts";

/** What the page shows. */
export interface StatusPage {
  readonly status: Status;
  /** Address of the console. */
  readonly console: string;
  readonly nowMs: number;
  /** Width of the terminal. */
  readonly columns?: number | undefined;
}

/** How the running process stands, for a person. */
export function formatStatusPage({ status, console, nowMs, columns }: StatusPage, ink: Ink): string {
  const state = status.ready ? ink.good("ready") : ink.bad("not ready");
  return [
    `${ink.bold(`nexo ${status.version}`)} is ${state}\n` +
    `Process ${status.pid}, started ${sayAgo(status.startedAt, nowMs)} (${sayTime(status.startedAt)})\n` +
    `Console ${console}`,
    formatSubsystems(status, ink, columns),
    formatAgents(status.agents, ink, columns),
    formatChannels(status.channels, ink, columns),
    formatQueues(status.queues, ink),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

/** How much waits in each queue. */
export function formatQueues(queues: Queues, ink: Ink): string {
  const rows = [
    ["messages to answer", queues.inbox],
    ["replies to send", queues.outbox],
    ...queues.spill.depth === 0 ? [] : [["events for NATS", queues.spill] as const],
    ["dead letters", queues.dead],
  ] as const;
  const table = formatTable(
    [{ title: "QUEUE" }, { title: "WAITING", align: "right" }, { title: "OLDEST", align: "right" }],
    rows.map(([name, { depth, oldestSeconds }]) => [
      name,
      String(depth),
      depth === 0 ? "" : formatDuration(oldestSeconds * 1_000),
    ]),
    ink,
  );
  return queues.dead.depth === 0 ? table : `${table}\nSee what died, and why: agent dlq list`;
}

/** Who answers. */
export function formatAgents(agents: readonly AgentView[], ink: Ink, width?: number): string {
  const columns = [{ title: "AGENT" }, { title: "MODEL" }, { title: "TOOLS", align: "right" }, {
    title: "HEARS",
  }] as const;
  return formatTable(
    columns,
    agents.map(({ id, model, tools, hears }) => [id, model, String(tools), hears.join(", ")]),
    ink,
    width,
  );
}

/** What connects to the outside; empty where nothing does. */
export function formatChannels(channels: readonly ChannelView[], ink: Ink, width?: number): string {
  if (channels.length === 0) return "";
  const paint = (state: string) =>
    state === "up" ? ink.good(state) : state === "down" ? ink.bad(state) : ink.warn(state);
  return formatTable(
    [{ title: "CHANNEL" }, { title: "STATE", paint }, { title: "AS" }, { title: "AGENTS" }, { title: "WHY", max: 300 }],
    channels.map(({ plugin, instance, state, identity, agents, reason }) => [
      `${plugin}.${instance}`,
      state,
      identity ?? "",
      agents.join(", "),
      reason ?? "",
    ]),
    ink,
    width,
  );
}

/** Every part that has something to say: what is not ok, and how it stands with NATS. Empty where there is nothing. */
export function formatSubsystems({ subsystems }: Pick<Status, "subsystems">, ink: Ink, width?: number): string {
  const lines = subsystems.flatMap(({ name, state, reason, critical }) => {
    if (state === "ok") {
      return reason === undefined ? [] : [`${ink.good("+")} ${wrapText(toPlain(`${name}: ${reason}`), width, 2)}`];
    }
    const paint = critical ? ink.bad : ink.warn;
    return `${paint("!")} ${wrapText(toPlain(`${name} is ${state}: ${reason ?? "it gives no reason"}`), width, 2)}`;
  });
  const isWell = subsystems.every(({ state }) => state === "ok");
  return [...lines, ...isWell ? [] : ["What mends it: agent doctor"]].join("\n");
}
