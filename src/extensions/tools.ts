import { AppError, toAppError } from "../core/error.ts";
import type { AnyHook, HookName, HookPayloads, HookVerdict } from "../core/hook.ts";
import { newTextResult, type Tool } from "../core/tool.ts";
import { fnv1a } from "../lib/fnv1a.ts";
import type { OfferedTool } from "./link.ts";
import type { Manifest } from "./manifest.ts";
import { refusedReason } from "./rpc.ts";
import type { Supervisor } from "./supervisor.ts";

/** The longest name of a tool that every provider takes. */
const maxNameLength = 64;

/** The name by which agents call a tool of an extension. */
export function toToolName(extension: string, tool: string): string {
  const name = `ext_${extension.replaceAll("-", "_")}_${tool}`;
  if (name.length <= maxNameLength) return name;
  return `${name.slice(0, maxNameLength - 9)}_${fnv1a(`${extension}/${tool}`)}`;
}

/** A tool of an extension as agents see it. */
export function toTool(manifest: Manifest, offered: OfferedTool, supervisor: Supervisor): Tool {
  const { id, limits } = manifest;
  const declared = manifest.tools.find(({ name }) => name === offered.name);
  if (declared === undefined) throw new AppError("bug", `${id} has no tool ${offered.name}`);
  const deadlineMs = declared.deadline ?? limits.call;
  return {
    name: toToolName(id, offered.name),
    description: offered.description || `${offered.name} of the extension ${id}`,
    inputSchema: offered.inputSchema,
    effect: declared.effect,
    lazy: true,
    parallelSafe: declared.parallel,
    // The invoker's own deadline comes after ours, which also tells the extension.
    deadlineMs: deadlineMs + 1_000,
    ...(declared.dangerous ? { dangerous: true } : {}),
    async run(input, { agent, sessionId, idempotencyKey, signal }) {
      const context = { agent, session_id: sessionId, idempotency_key: idempotencyKey };
      try {
        const result = await supervisor.call({ name: offered.name, arguments: input, context }, { signal, deadlineMs });
        return { ...result, ...(declared.untrusted ? { untrusted: true } : {}) };
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.reason !== refusedReason) throw error;
        // What the extension says of its own failure is as much a stranger's text as its answer.
        return { ...newTextResult(error.message, true), ...(declared.untrusted ? { untrusted: true } : {}) };
      }
    },
  };
}

/** The hooks of an extension. `ask` asks it, or throws why it cannot be asked. */
export function toHooks(
  { id, hooks, priority }: Manifest,
  ask: <N extends HookName>(
    on: N,
    payload: HookPayloads[N],
    options: { readonly signal: AbortSignal; readonly deadlineMs: number },
  ) => Promise<HookVerdict<HookPayloads[N]>>,
): readonly AnyHook[] {
  return hooks.map(({ on, deadline, on_failure }) => {
    const hook = {
      id: `ext.${id}`,
      on,
      priority,
      onFailure: on_failure,
      deadlineMs: deadline,
      run: (payload: HookPayloads[typeof on], signal: AbortSignal) =>
        ask(on, payload, { signal, deadlineMs: deadline }),
    };
    // Name and payload belong together by what stands above; the union of all pairs cannot say so.
    return hook as AnyHook;
  });
}
