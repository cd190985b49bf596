import type { ComponentChildren } from "preact";
import type { Queues, Status } from "../../src/http/status_api.ts";
import { Pill } from "../ui.tsx";
import { count, duration } from "../words.ts";

/** Something that waits for a person: what it is, where it is mended, and the command that does or shows the same. */
interface Need {
  readonly key: string;
  readonly text: ComponentChildren;
  readonly state?: string;
  readonly href: string;
  readonly action: string;
  readonly command: string;
}

/** Everything that waits for a person, each in words with its remedy. */
export function Needs({ status, strangers }: { readonly status: Status; readonly strangers: number }) {
  const needs = [...toTroubles(status), ...toLinks(status), ...toPeople(strangers), ...toQueues(status.queues)];
  const isQuiet = needs.length === 0;
  return (
    <section class={isQuiet ? "card stack" : "card need stack"}>
      <h2>Needs you</h2>
      {isQuiet
        ? <p class="soft">Nothing. Everything that was accepted is answered, or on its way.</p>
        : <ul>{needs.map((need) => <Item key={need.key} need={need} />)}</ul>}
    </section>
  );
}

function Item({ need: { text, state, href, action, command } }: { readonly need: Need }) {
  return (
    <li>
      <span>
        {text} {state !== undefined && <Pill state={state} />}
        <br />
        <code>{command}</code>
      </span>
      <a class="button" href={href}>{action}</a>
    </li>
  );
}

/** Parts of the process that are not well. A channel that waits to be linked has a line of its own. */
function toTroubles({ subsystems, channels, agents, paused }: Status): readonly Need[] {
  const linking = channels.filter(({ pairing }) => pairing !== undefined)
    .map(({ plugin, instance }) => `plugin.${plugin}.${instance}`);
  const troubles = subsystems
    .filter(({ name, state, reason }) => state !== "ok" && reason !== undefined && !linking.includes(name))
    // Somebody wants that, and ends it where it is told.
    .filter(({ name }) => name !== "intake" || !paused)
    .map(({ name, state, reason = "" }): Need => {
      const remedy = toRemedy(name);
      return {
        key: name,
        text: (
          <>
            <b>{name}</b>: {reason.replace(` See: ${remedy.command}`, "")}
          </>
        ),
        state,
        ...remedy,
      };
    });
  const keyless = agents.filter(({ model }) => model.startsWith("demo/")).map(({ id }): Need => ({
    key: `model of ${id}`,
    text: (
      <>
        <b>{id}</b> answers with the built-in demo model: no provider has a key.
      </>
    ),
    href: "#/models",
    action: "Models",
    command: "agent setup llm",
  }));
  return [...troubles, ...keyless];
}

/** Where a part of the process is mended. */
function toRemedy(name: string): Pick<Need, "href" | "action" | "command"> {
  const [part = "", ...rest] = name.split(".");
  const own = rest.join(".");
  switch (part) {
    case "plugin":
      return { href: "#/channels", action: "Channels", command: `agent channels restart ${own}` };
    case "llm":
      return { href: "#/models", action: "Models", command: "agent doctor --live" };
    case "agent":
      return { href: `#/agents/${encodeURIComponent(own)}`, action: "Its settings", command: "agent doctor" };
    case "extension":
      return { href: "#/tools", action: "Tools", command: `agent ext doctor ${own}` };
    case "mcp":
      return { href: "#/tools", action: "Tools", command: `agent mcp tools ${own}` };
    case "bus":
    case "lease":
      return { href: "#/bus", action: "Bus", command: "agent logs --event nats" };
    case "intake":
      return { href: "#/bus", action: "Bus", command: "agent status" };
    case "config":
      return { href: "#/config", action: "Config", command: "agent config check" };
    default:
      return { href: "#/logs", action: "Log", command: "agent doctor" };
  }
}

function toLinks({ channels }: Status): readonly Need[] {
  return channels.filter(({ pairing }) => pairing !== undefined).map(({ plugin, instance }) => ({
    key: `link ${plugin}.${instance}`,
    text: (
      <>
        <b>{plugin}.{instance}</b> waits to be linked with a phone.
      </>
    ),
    href: "#/channels",
    action: "Show the code",
    command: `agent pair ${plugin} ${instance}`,
  }));
}

function toPeople(strangers: number): readonly Need[] {
  if (strangers === 0) return [];
  const who = strangers === 1 ? "Somebody waits" : `${strangers.toLocaleString()} people wait`;
  return [{
    key: "people",
    text: `${who} to be let in.`,
    href: "#/channels",
    action: "Who",
    command: "agent pair list --state pending",
  }];
}

/** A reply that waits longer than this waits for somebody, seconds. */
const patienceSeconds = 120;

function toQueues({ outbox, dead }: Queues): readonly Need[] {
  const late: readonly Need[] = outbox.depth === 0 || outbox.oldestSeconds < patienceSeconds ? [] : [{
    key: "outbox",
    text: `${count(outbox.depth, "reply", "replies")} cannot be sent yet, the oldest for ${
      duration(outbox.oldestSeconds * 1_000)
    }. Nothing is lost: each is tried again until it is too old.`,
    href: "#/bus",
    action: "Which",
    command: "agent status",
  }];
  const died: readonly Need[] = dead.depth === 0 ? [] : [{
    key: "dead",
    text: `${count(dead.depth, "dead letter")}: could not be answered or delivered, kept to be tried again.`,
    href: "#/bus/dead-letters",
    action: "Look",
    command: "agent dlq list",
  }];
  return [...late, ...died];
}
