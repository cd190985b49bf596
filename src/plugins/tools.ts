import { z } from "zod";
import type { Binding } from "../config/agents.ts";
import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import { type Outbound, type OutboundFile, type Receipt, toToolKey } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Plugin } from "../core/plugin.ts";
import type { PluginTool, PluginToolAnswer, PluginToolCall, ToolMessage } from "../core/plugin_tool.ts";
import type { SessionKey } from "../core/session.ts";
import { newTextResult, type Tool, type ToolContext, type ToolResult } from "../core/tool.ts";
import { calls, largestPieceBytes } from "../core/topics.ts";
import type { Live } from "../lib/live.ts";
import { type AgentFile, readAgentFile } from "./agent_files.ts";
import { maxFileBytes } from "./outgoing.ts";

/** Where a message goes out. */
export interface Address {
  readonly plugin: string;
  readonly instance: string;
}

/** How a message stands that was handed to the outbox. */
export type Posted =
  | { readonly state: "sent"; readonly receipt: Receipt }
  /** The provider does not take it now; it is tried again. */
  | { readonly state: "waiting"; readonly reason: string }
  | { readonly state: "dead"; readonly reason: string };

/** What plugins' tools need. */
export interface PluginToolsDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly plugins: readonly Plugin[];
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly dataDir: string;
  /** Why a turn of the session `from` may not send a message through an instance, as of now. */
  findRefusal(from: SessionKey, address: Address, message: ToolMessage): string | undefined;
  /** Queues a message, once for each key, and waits a while for what becomes of it. */
  post(address: Address, message: Outbound, signal: AbortSignal): Promise<Posted>;
  /** Waits for what becomes of a message that was queued before; `undefined` where there is none. */
  findPosted(key: string, signal: AbortSignal): Promise<Posted | undefined>;
}

const accountName = "account";
const accountSchema = z.object({ [accountName]: z.string().optional() });
const pathsSchema = z.union([z.string(), z.array(z.string()).max(10)]);

/**
 * The tools that plugins offer, as tools like any other. Each acts only through instances that its agent is bound to;
 * what it sends goes through the outbox, to those whom the binding allows.
 */
export function newPluginTools(deps: PluginToolsDeps): readonly Tool[] {
  return deps.plugins.flatMap((plugin) => (plugin.tools ?? []).map((tool) => toTool(plugin, tool, deps)));
}

function toTool(plugin: Plugin, tool: PluginTool, deps: PluginToolsDeps): Tool {
  const { name, description, effect, inputSchema, dangerous } = tool;
  const refuse = (reason: string, text: string) => {
    deps.metrics.count("nexo_refusals_total", { part: "plugin_tool", reason });
    return newTextResult(text, true);
  };
  return {
    name,
    description,
    effect,
    plugin: plugin.id,
    inputSchema: withAccount(inputSchema),
    ...(dangerous === undefined ? {} : { dangerous }),
    async run(input, context) {
      const bound = findInstances(deps.config.current, context.agent, plugin.id);
      const only = bound.length === 1 ? bound[0] : undefined;
      const wanted = accountSchema.parse(input)[accountName] ?? toOwnInstance(plugin, context) ?? only;
      if (wanted === undefined) return refuse("no_account", `Say which "account" of yours: ${bound.join(", ")}`);
      if (!bound.includes(wanted)) {
        return refuse("not_bound", `You have no account "${wanted}" of ${plugin.id}. Yours: ${bound.join(", ")}`);
      }
      const address = { plugin: plugin.id, instance: wanted };
      const key = toToolKey(context.idempotencyKey);
      // The process may have died after the message was queued: its fate is all that is left to tell.
      const posted = await deps.findPosted(key, context.signal);
      if (posted !== undefined) return toResult(posted);
      const answer = await askWhenUp(deps, address, toCall(tool, address, input, key, context), context.signal);
      if (!("send" in answer)) return answer;
      const refusal = deps.findRefusal(context.session, address, answer.send);
      if (refusal !== undefined) return refuse(refusal, toRefusalText(refusal, answer.send));
      try {
        const files = await takeFiles(deps, tool, address, input, context);
        const message = toOutbound(answer.send, key, files, context);
        return toResult(await deps.post(address, message, context.signal));
      } catch (thrown) {
        const { kind, reason, message } = toAppError(thrown);
        if (kind === "denied" || kind === "missing" || kind === "invalid") return refuse(reason ?? kind, message);
        throw thrown;
      }
    },
  };
}

/** How long a worker may take to be up, or up again, milliseconds. */
const startMs = 20_000;
const askAgainMs = 250;

/** Asks a plugin that may still be starting: right after a restart, a turn goes on sooner than its worker. */
async function askWhenUp(
  { bus, clock }: PluginToolsDeps,
  { plugin, instance }: Address,
  call: PluginToolCall,
  signal: AbortSignal,
): Promise<PluginToolAnswer> {
  const untilMs = clock.monotonic() + startMs;
  while (true) {
    try {
      return await bus.request(calls.tool(plugin, instance), call, { signal });
    } catch (thrown) {
      const { reason } = toAppError(thrown);
      const isAbsent = reason === "not_up" || reason === "no_answerer";
      if (!isAbsent || clock.monotonic() >= untilMs) throw thrown;
      await clock.wait(askAgainMs, signal);
    }
  }
}

/** The input `account` beside the plugin's own. */
function withAccount(schema: PluginTool["inputSchema"]): PluginTool["inputSchema"] {
  const own = z.object({ properties: z.record(z.string(), z.unknown()).default({}) }).parse(schema);
  const account = {
    type: "string",
    description: "Which of your accounts. Absent: the one you talk through, or the only one.",
  };
  return { ...schema, properties: { ...own.properties, [accountName]: account } };
}

function toCall(
  { name }: PluginTool,
  { plugin, instance }: Address,
  input: unknown,
  key: string,
  { agent, session, messageId }: ToolContext,
): PluginToolCall {
  const isOwn = session.plugin === plugin && session.instance === instance;
  const { [accountName]: _, ...own } = z.looseObject({}).parse(input);
  if (!isOwn) return { name, input: own, agent, key };
  return { name, input: own, agent, key, conversation: session.conversation, messageId };
}

/** Instances of a plugin that an agent is bound to. */
function findInstances(config: Config, agent: string, plugin: string): readonly string[] {
  const bindings: readonly Binding[] = config.agents.find(({ id }) => id === agent)?.inbound_bindings ?? [];
  return bindings.filter((binding) => binding.plugin === plugin).map(({ instance }) => instance);
}

function toOwnInstance(plugin: Plugin, { session }: ToolContext): string | undefined {
  return session.plugin === plugin.id ? session.instance : undefined;
}

function toOutbound(
  { recipient: _, isAnswer: __, isNew: ___, ...message }: ToolMessage,
  key: string,
  files: readonly OutboundFile[],
  { sessionId, turnId }: ToolContext,
): Outbound {
  return {
    ...message,
    key,
    sessionId,
    turnId,
    outcome: "answered",
    ...(files.length === 0 ? {} : { files: [...files] }),
  };
}

/** Reads the files that the input names and puts them into the folder of the instance. */
async function takeFiles(
  deps: PluginToolsDeps,
  { files }: PluginTool,
  address: Address,
  input: unknown,
  context: ToolContext,
): Promise<readonly OutboundFile[]> {
  if (files === undefined) return [];
  const { [files]: named } = z.looseObject({}).parse(input);
  if (named === undefined) return [];
  const paths = [pathsSchema.parse(named)].flat();
  const folder = `${deps.dataDir}/agents/${context.agent}`;
  const taken: OutboundFile[] = [];
  let leftBytes = maxFileBytes;
  for (const path of paths) {
    const file = await readAgentFile(folder, path, leftBytes);
    leftBytes -= file.bytes.length;
    taken.push(await store(deps.bus, address, file, context.signal));
  }
  return taken;
}

async function store(
  bus: Bus,
  { plugin, instance }: Address,
  { name, mimeType, bytes }: AgentFile,
  signal: AbortSignal,
): Promise<OutboundFile> {
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const call = calls.store(plugin, instance);
  for (let offset = 0; offset === 0 || offset < bytes.length; offset += largestPieceBytes) {
    const base64 = bytes.subarray(offset, offset + largestPieceBytes).toBase64();
    await bus.request(call, { sha256, offset, base64 }, { signal });
  }
  return { sha256, name: name.slice(-300), mimeType, sizeBytes: bytes.length };
}

function toRefusalText(reason: string, { recipient, conversation }: ToolMessage): string {
  return `You may not write to ${recipient?.id ?? conversation}: ${reason.replaceAll("_", " ")}. ` +
    "Only the operator can allow it, in the binding";
}

function toResult(posted: Posted): ToolResult {
  switch (posted.state) {
    case "sent":
      return { content: [{ type: "json", value: { state: "sent", ids: posted.receipt.providerMessageIds } }] };
    case "waiting":
      return {
        content: [{
          type: "json",
          value: {
            state: "queued",
            reason: posted.reason,
            note: "It is kept and sent as soon as possible. Do not send it again. You are told if it never arrives",
          },
        }],
      };
    case "dead":
      return newTextResult(`It was not sent: ${posted.reason}`, true);
  }
}
