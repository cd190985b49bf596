import { z } from "zod";
import { AppError } from "../core/error.ts";
import type { HookName, HookPayloads, HookVerdict } from "../core/hook.ts";
import type { ToolContent, ToolResult } from "../core/tool.ts";
import { toInputSchema } from "../core/input_schema.ts";
import { toShownText } from "../core/shown_text.ts";
import { version } from "../core/version.ts";
import { type Manifest } from "./manifest.ts";
import type { Rpc } from "./rpc.ts";

/** A tool as the extension describes it. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** What an extension has offered, held against its manifest. */
export interface Offer {
  readonly tools: readonly OfferedTool[];
  /** Names that it offers and its manifest does not have, or the other way round. */
  readonly faults: readonly string[];
}

/** Who calls, and under which key a call that is run again is the same one. */
export interface CallContext {
  readonly agent: string;
  readonly session_id: string;
  readonly idempotency_key: string;
}

/** Version of the protocol. */
export const protocolVersion = 1;

const offeredToolSchema = z.object({
  name: z.string().max(200),
  description: z.string().default("").transform((text) => toShownText(text, 2_000)),
  input_schema: z.record(z.string(), z.unknown()).default({ type: "object" }),
});
const toolsSchema = z.object({ tools: z.array(offeredToolSchema).max(100) });
const initializedSchema = z.object({
  /** Absent: `tools/list` tells. */
  tools: z.array(offeredToolSchema).max(100).optional(),
  extension_id: z.string().max(200).optional(),
  hooks: z.array(z.string().max(100)).max(20).default([]),
});

const contentSchema = z.array(z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("image"), mimeType: z.string().max(100), base64: z.base64() }),
  z.object({ type: z.literal("json"), value: z.unknown() }),
])).max(100);
const resultSchema = z.object({ content: contentSchema, is_error: z.boolean().default(false) });

const verdictSchema = z.union([
  z.null(),
  z.strictObject({ veto: z.string().min(1).max(2_000) }),
  z.strictObject({ change: z.record(z.string(), z.unknown()) }),
]);

/** Fields of a payload that a hook may change, with their shapes. What it only learns from stays as it is. */
const changeable: { readonly [N in HookName]: z.ZodType<Partial<HookPayloads[N]>> } = {
  before_message: z.strictObject({ text: z.string() }),
  after_message: z.strictObject({ text: z.string() }),
  before_tool_call: z.strictObject({ input: z.unknown() }),
  after_tool_call: z.strictObject({
    result: z.object({
      content: contentSchema,
      isError: z.boolean().exactOptional(),
      untrusted: z.boolean().exactOptional(),
    }),
  }),
  session_start: z.strictObject({}),
  session_end: z.strictObject({}),
};

/**
 * Greets an extension, whichever way it is reached.
 *
 * @throws {AppError} `invalid` for one that is another than its manifest says, or that answers something else.
 */
export async function greet(rpc: Rpc, manifest: Manifest, signal: AbortSignal): Promise<Offer> {
  const { id, limits, hooks } = manifest;
  const params = { protocol_version: protocolVersion, agent_version: version, extension_id: id };
  const answer = await rpc.request("initialize", params, { signal, deadlineMs: limits.handshake });
  const offered = check(initializedSchema, answer, "initialize");
  if (offered.extension_id !== undefined && offered.extension_id !== id) {
    const name = toShownText(offered.extension_id, 64);
    throw new AppError("invalid", `It says that it is ${name}, and its manifest that it is ${id}`);
  }
  const silent = hooks.filter(({ on }) => !offered.hooks.includes(on)).map(({ on }) => `does not listen on ${on}`);
  const more = offered.hooks.filter((name) => !hooks.some(({ on }) => on === name)).map((name) =>
    `listens on ${toShownText(name, 64)}, which its manifest does not have`
  );
  const { tools, faults } = offered.tools === undefined && manifest.tools.length > 0
    ? await listTools(rpc, manifest, signal)
    : compare(offered.tools ?? [], manifest);
  return { tools, faults: [...faults, ...silent, ...more] };
}

/** Asks which tools there are now. @throws {AppError} like {@linkcode greet} */
export async function listTools(rpc: Rpc, manifest: Manifest, signal: AbortSignal): Promise<Offer> {
  const answer = await rpc.request("tools/list", {}, { signal, deadlineMs: manifest.limits.handshake });
  return compare(check(toolsSchema, Array.isArray(answer) ? { tools: answer } : answer, "tools/list").tools, manifest);
}

/** Calls a tool. What the extension refuses is a result for the model. @throws {AppError} `timeout`, `unavailable` */
export async function callTool(
  rpc: Rpc,
  call: { readonly name: string; readonly arguments: unknown; readonly context: CallContext },
  options: { readonly signal: AbortSignal; readonly deadlineMs: number },
): Promise<ToolResult> {
  const answer = await rpc.request("tools/call", call, options);
  if (typeof answer === "string") return { content: [{ type: "text", text: answer }] };
  const result = resultSchema.safeParse(answer);
  if (!result.success) return { content: [{ type: "json", value: answer ?? null }] };
  const { content, is_error } = result.data;
  return { content: content.map(toContent), isError: is_error };
}

/** Asks a hook. @throws {AppError} `invalid` for a verdict that is none. */
export async function askHook<N extends HookName>(
  rpc: Rpc,
  on: N,
  payload: HookPayloads[N],
  options: { readonly signal: AbortSignal; readonly deadlineMs: number },
): Promise<HookVerdict<HookPayloads[N]>> {
  const verdict = check(verdictSchema, await rpc.request(`hooks/${on}`, payload, options) ?? null, `hooks/${on}`);
  if (verdict === null) return undefined;
  if ("veto" in verdict) return verdict;
  return { change: check(changeable[on], verdict.change, `hooks/${on}`) };
}

function compare(offered: readonly z.output<typeof offeredToolSchema>[], { tools }: Manifest): Offer {
  const faults: string[] = [];
  const kept: OfferedTool[] = [];
  for (const { name, description, input_schema } of offered) {
    if (!tools.some((tool) => tool.name === name)) {
      faults.push(`offers the tool ${toShownText(name, 64)}, which its manifest does not have`);
    } else if (kept.some((tool) => tool.name === name)) faults.push(`offers the tool ${name} twice`);
    else {
      const schema = toInputSchema(input_schema);
      if (schema.schema === undefined) faults.push(`offers the tool ${name}, but ${schema.fault}`);
      else kept.push({ name, description, inputSchema: schema.schema });
    }
  }
  const missing = tools.filter(({ name }) => !offered.some((tool) => tool.name === name));
  return { tools: kept, faults: [...faults, ...missing.map(({ name }) => `does not offer the tool ${name}`)] };
}

function toContent(part: z.output<typeof contentSchema>[number]): ToolContent {
  return part.type === "json" ? { type: "json", value: part.value ?? null } : part;
}

function check<T>(schema: z.ZodType<T>, value: unknown, method: string): T {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new AppError(
    "invalid",
    `Its answer to ${method} is wrong at ${issue?.path.join(".") || "its top"}: ${issue?.message}`,
  );
}
