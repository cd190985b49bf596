import { z } from "zod";
import type { ConfigDocument } from "./document.ts";
import type { Path } from "./path.ts";

/** A name somewhere in a file that must fit a name somewhere else. */
export interface Mention {
  readonly document: ConfigDocument;
  readonly path: Path;
  readonly name: string;
}

/** A plugin instance, mentioned where it is bound or declared. */
export interface InstanceMention extends Omit<Mention, "name"> {
  readonly plugin: string;
  readonly instance: string;
}

/** What one agent says about other things, read leniently: an agent that is wrong elsewhere is still looked at. */
export interface AgentOutline {
  readonly id: Mention | undefined;
  readonly bindings: readonly InstanceMention[];
  readonly providers: readonly Mention[];
  readonly delegates: readonly Mention[];
  /** Where heartbeats go. */
  readonly deliveries: readonly InstanceMention[];
}

const text = z.string().optional().catch(undefined);
const list = <S extends z.ZodType>(item: S) => z.array(item.catch(item.parse(undefined))).catch([]).default([]);
const model = z.object({ provider: text }).catch({}).default({});
const instance = z.object({ plugin: text, instance: z.string().default("default").catch("") });
const lenientBinding = instance.extend({ model, allowed_delegates: list(text) }).optional();
const lenientAgent = z.object({
  id: text,
  model,
  fallback_models: list(model),
  allowed_delegates: list(text),
  accept_delegates_from: list(text),
  inbound_bindings: list(lenientBinding),
  heartbeat: z.object({ deliver_to: instance.optional().catch(undefined) }).catch({}).default({}),
}).optional();
const lenientFile = z.object({ agents: list(lenientAgent) }).catch({ agents: [] });

const lenientMemory = z.object({
  short_term: z.object({ compaction: z.object({ model }).catch({ model: {} }) }).catch({ compaction: { model: {} } }),
}).catch({ short_term: { compaction: { model: {} } } });

/** Reads which providers memory.yaml names. */
export function outlineMemory(document: ConfigDocument): Mention[] {
  const { provider } = lenientMemory.parse(document.value).short_term.compaction.model;
  const path = ["short_term", "compaction", "model", "provider"];
  return provider === undefined || provider === "" ? [] : [{ document, path, name: provider }];
}

/** Reads the agents of one file. */
export function outlineAgents(document: ConfigDocument): AgentOutline[] {
  return lenientFile.parse(document.value).agents.map((agent, index) =>
    outlineAgent(document, ["agents", index], agent)
  );
}

function outlineAgent(document: ConfigDocument, at: Path, agent: z.output<typeof lenientAgent>): AgentOutline {
  const mention = (name: string | undefined, ...path: Path): Mention[] =>
    name === undefined || name === "" ? [] : [{ document, path: [...at, ...path], name }];
  const instanceMention = (of: z.output<typeof instance> | undefined, ...path: Path): InstanceMention[] =>
    of?.plugin === undefined ? [] : [{ document, path: [...at, ...path], plugin: of.plugin, instance: of.instance }];
  const bindings = agent?.inbound_bindings ?? [];
  return {
    id: mention(agent?.id, "id")[0],
    bindings: bindings.flatMap((binding, index) => instanceMention(binding, "inbound_bindings", index)),
    providers: [
      ...mention(agent?.model.provider, "model", "provider"),
      ...(agent?.fallback_models ?? []).flatMap((fallback, index) =>
        mention(fallback.provider, "fallback_models", index, "provider")
      ),
      ...bindings.flatMap((binding, index) =>
        mention(binding?.model.provider, "inbound_bindings", index, "model", "provider")
      ),
    ],
    delegates: [
      ...(agent?.allowed_delegates ?? []).flatMap((name, index) => mention(name, "allowed_delegates", index)),
      ...(agent?.accept_delegates_from ?? []).flatMap((name, index) => mention(name, "accept_delegates_from", index)),
      ...bindings.flatMap((binding, index) =>
        (binding?.allowed_delegates ?? []).flatMap((name, inner) =>
          mention(name, "inbound_bindings", index, "allowed_delegates", inner)
        )
      ),
    ],
    deliveries: instanceMention(agent?.heartbeat.deliver_to, "heartbeat", "deliver_to"),
  };
}
