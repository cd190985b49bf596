import type { SessionKey } from "./session.ts";
import type { ToolResult } from "./tool.ts";

/** What each hook is told. */
export interface HookPayloads {
  before_message: { readonly agent: string; readonly session: SessionKey; readonly text: string };
  after_message: {
    readonly agent: string;
    readonly session: SessionKey;
    readonly textIn: string;
    /** The reply; a change replaces what is sent. */
    readonly text: string;
  };
  before_tool_call: {
    readonly agent: string;
    readonly session: SessionKey;
    readonly tool: string;
    readonly input: unknown;
  };
  after_tool_call: {
    readonly agent: string;
    readonly session: SessionKey;
    readonly tool: string;
    readonly input: unknown;
    readonly result: ToolResult;
    readonly tookMs: number;
  };
  session_start: { readonly agent: string; readonly session: SessionKey };
  session_end: { readonly agent: string; readonly session: SessionKey };
}

/** Name of a hook. */
export type HookName = keyof HookPayloads;

/** A hook's answer: stop here, go on with these fields changed, or go on. */
export type HookVerdict<P> = { readonly veto: string } | { readonly change: Partial<P> } | undefined;

/** One listener on one hook. */
export interface Hook<N extends HookName = HookName> {
  /** Who it belongs to, for logs: `config.profanity`, `ext.guard`. */
  readonly id: string;
  readonly on: N;
  /** Lower runs earlier. @default {0} */
  readonly priority?: number;
  /** What the hook's own failure or silence means: `open` lets the message through, `closed` stops it. */
  readonly onFailure: "open" | "closed";
  /** Milliseconds it may take. */
  readonly deadlineMs: number;
  /** Agents it applies to; absent: all. */
  readonly agents?: readonly string[];
  run(payload: HookPayloads[N], signal: AbortSignal): Promise<HookVerdict<HookPayloads[N]>>;
}

/** A hook of any name, as the registry holds it. */
export type AnyHook = { readonly [N in HookName]: Hook<N> }[HookName];
