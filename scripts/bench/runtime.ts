import { newTestConfig } from "../../tests/fixtures/nexo_config.ts";
import { type NexoProcess, startNexo } from "../../tests/fixtures/nexo_process.ts";
import type { FakeModelRequest } from "../../tests/fixtures/fake_model.ts";
import { inertToolCount } from "./inert_tools.ts";

/** What a request to the model must be at least, so that figures compare with those of other runtimes. */
export const minRequestBytes = 37 * 1_024;

/** Length of the agent's system prompt, characters: with the tools' schemas it makes {@linkcode minRequestBytes}. */
const promptLength = 34_000;

/** What a bench runtime is connected to. */
export interface BenchRuntimeOptions {
  readonly modelUrl: string;
  readonly telegram?: { readonly url: string; readonly token: string };
  /** `nats://host:port` of the bus. Absent: the bus inside the process. */
  readonly natsUrl?: string;
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the built process with the agent that is measured: a long system prompt, twelve tools, no debounce. */
export function openBenchRuntime(options: BenchRuntimeOptions): Promise<NexoProcess> {
  const { modelUrl, telegram, natsUrl, dataDir, env } = options;
  const sentence = "You are an assistant of a shop; answer kindly, briefly, and only from what you know. ";
  return startNexo({
    config: {
      ...newTestConfig({
        modelUrl,
        ...(telegram ? { telegram } : {}),
        agent: {
          system_prompt: sentence.repeat(Math.ceil(promptLength / sentence.length)),
          allowed_tools: ["bench_*"],
        },
      }),
      "memory.yaml": {},
      ...(natsUrl === undefined ? {} : { "broker.yaml": { broker: { type: "nats", url: natsUrl } } }),
    },
    entry: new URL("./main.ts", import.meta.url),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(env === undefined ? {} : { env }),
  });
}

/**
 * Makes sure that the model was asked for the work that is claimed.
 *
 * @throws {Error} When a request was smaller, or had fewer tools.
 */
export function assertSameWork(requests: readonly FakeModelRequest[]): void {
  const small = requests.find(({ sizeBytes, toolCount }) => sizeBytes < minRequestBytes || toolCount < inertToolCount);
  if (requests.length > 0 && small === undefined) return;
  throw new Error(
    `The model must be asked with ${minRequestBytes} bytes and ${inertToolCount} tools: it was asked with ` +
      `${small?.sizeBytes ?? 0} bytes and ${small?.toolCount ?? 0} tools in one of ${requests.length} requests`,
  );
}
