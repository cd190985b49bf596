import type { LlmMessage, LlmToolCall } from "../core/llm.ts";
import type { TranscriptEntry } from "../core/transcript.ts";
import type { ModelOutput, Step } from "../ledger/turns.ts";

/** Where a turn stands. */
export interface Run {
  readonly messages: LlmMessage[];
  readonly entries: TranscriptEntry[];
  readonly texts: string[];
  /** Model calls so far. */
  calls: number;
  /** Number of the next step. */
  seq: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number | undefined;
  readonly tainted: boolean;
  /** Calls of the last answer that have no results yet. */
  readonly open: { readonly calls: readonly LlmToolCall[]; readonly known: KnownCalls } | undefined;
}

/** What the journal knows of calls, by call id. */
export type KnownCalls = ReadonlyMap<string, Extract<Step, { kind: "tool" }>>;

/** Brings a turn to where its journal ends. */
export function replay(messages: readonly LlmMessage[], steps: readonly Step[]): Run {
  const run = {
    messages: [...messages],
    entries: [] as TranscriptEntry[], // begins empty
    texts: [] as string[], // begins empty
    calls: 0,
    seq: (steps.at(-1)?.seq ?? -1) + 1,
    inputTokens: 0,
    outputTokens: 0,
    costUsd: 0 as number | undefined, // a sum until a price is missing
    tainted: false,
  };
  let calls: readonly LlmToolCall[] = [];
  let known = new Map<string, Extract<Step, { kind: "tool" }>>();
  const isComplete = () => calls.every((call) => known.get(call.id)?.output !== undefined);
  const closeCalls = () => {
    if (calls.length === 0) return;
    const outputs = calls.map((call) => known.get(call.id)?.output).filter((output) => output !== undefined);
    const untrusted = outputs.some((output) => output.untrusted);
    if (untrusted) run.tainted = true;
    const results = outputs.map((output) => output.result);
    run.messages.push({ role: "tool", results });
    run.entries.push({ role: "tool", results, ...(untrusted ? { untrusted: true } : {}) });
    calls = [];
    known = new Map();
  };
  for (const step of steps) {
    switch (step.kind) {
      case "model": {
        closeCalls();
        const { output } = step;
        run.calls++;
        run.inputTokens += output.usage.inputTokens;
        run.outputTokens += output.usage.outputTokens;
        run.costUsd = run.costUsd === undefined || output.costUsd === undefined
          ? undefined
          : run.costUsd + output.costUsd;
        run.messages.push(toAssistantMessage(output));
        run.entries.push({
          role: "assistant",
          text: output.text,
          toolCalls: output.toolCalls,
          providerState: output.providerState,
        });
        if (output.text.trim() !== "") run.texts.push(output.text);
        calls = output.toolCalls.map(toCall);
        break;
      }
      case "tool":
        known.set(step.callId, step);
        break;
      case "inbound":
        closeCalls();
        run.entries.push(step.entry);
        if (step.entry.role === "user") {
          if (step.entry.untrusted) run.tainted = true;
          run.messages.push({ role: "user", content: [{ type: "text", text: step.entry.text }] });
        }
        break;
    }
  }
  if (calls.length > 0 && isComplete()) closeCalls();
  return { ...run, open: calls.length === 0 ? undefined : { calls, known } };
}

/** A model's answer as the next call shows it. */
export function toAssistantMessage(output: ModelOutput): LlmMessage {
  return {
    role: "assistant",
    text: output.text,
    toolCalls: output.toolCalls.map(toCall),
    ...(output.providerState === undefined ? {} : { providerState: output.providerState }),
  };
}

/** A call as tools get it. */
export function toCall({ id, name, input, inputError }: ModelOutput["toolCalls"][number]): LlmToolCall {
  return { id, name, input, ...(inputError === undefined ? {} : { inputError }) };
}
