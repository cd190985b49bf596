import type { AgentConfig } from "../config/agents.ts";
import { kindNames, type LlmConfig, type ProviderConfig } from "../config/llm.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { LlmPrice, LlmProvider, ModelRoute } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { newSecret } from "../core/secret.ts";
import { withBreaker } from "./breaker.ts";
import { contextWindowOf, unknownWindow } from "./context_windows.ts";
import { demoName, newDemoProvider } from "./demo.ts";
import { type Candidate, withFallback } from "./fallback.ts";
import type { Gate } from "./gates.ts";
import {
  baseUrlOf,
  defaultModelOf,
  isConfigured,
  isVendorsOwn,
  kindOf,
  type ProviderKindName,
  providerKinds,
} from "./kinds.ts";
import { withLimiter } from "./limiter.ts";
import { withMetrics } from "./measure.ts";
import { freePrice, priceOf } from "./prices.ts";
import { withRetry } from "./retry.ts";
import { newWireProvider } from "./wire.ts";

/** One provider of llm.yaml, for lists. */
export interface AvailableModel {
  readonly provider: string;
  /** What `auto` would take of it; empty where the config would have to say. */
  readonly model: string;
  /** Whether it can be asked. */
  readonly configured: boolean;
  /** What is missing, with the remedy. */
  readonly missing?: string;
}

/** The models of one config generation. */
export interface Models {
  /**
   * Finds out who answers an agent. Fallback models whose provider has no key are left out.
   *
   * @throws {AppError} `invalid` for a provider that llm.yaml does not have, or one without a key.
   */
  resolve(model: AgentConfig["model"], fallbacks: AgentConfig["fallback_models"]): ModelRoute;
  /** In the order of llm.yaml, the demo model last. */
  readonly available: readonly AvailableModel[];
}

/** What {@linkcode newModels} uses. */
export interface ModelsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fetch: typeof globalThis.fetch;
  readonly random: () => number;
  /** Gates of the config's providers, by provider. */
  readonly gates: ReadonlyMap<string, Gate>;
}

/** Makes the {@linkcode Models} of `config`. Nothing is loaded or asked before the first call. */
export function newModels(config: LlmConfig, deps: ModelsDeps): Models {
  const demo = withMetrics(newDemoProvider(), deps);
  const providers = new Map<string, LlmProvider>();
  const available = [
    ...Object.entries(config.providers).map(([id, provider]) => toAvailable(id, provider)),
    { provider: demoName, model: demoName, configured: true },
  ];

  const providerOf = (id: string): LlmProvider => {
    if (id === demoName) return demo;
    const kept = providers.get(id);
    if (kept !== undefined) return kept;
    const made = newProvider(id, config, deps);
    providers.set(id, made);
    return made;
  };
  const toCandidate = (name: { readonly provider: string; readonly model: string }): Candidate => ({
    provider: providerOf(name.provider),
    model: name.model,
  });
  const auto = () => {
    const first = available.find(({ configured, missing }) => configured && missing === undefined);
    return { provider: first?.provider ?? demoName, model: first?.model ?? demoName };
  };
  const price = (id: string, model: string): LlmPrice | undefined => {
    if (id === demoName) return freePrice;
    const provider = config.providers[id];
    const kind = provider === undefined ? undefined : kindOf(id, provider);
    return provider === undefined || kind === undefined ? undefined : priceOf(kind, provider, model);
  };
  const windowOf = (name: { readonly provider: string; readonly model: string }): number => {
    const provider = config.providers[name.provider];
    const kind = provider === undefined ? undefined : kindOf(name.provider, provider);
    return provider === undefined || kind === undefined ? unknownWindow : contextWindowOf(kind, provider, name.model);
  };

  return {
    available,
    resolve(model, fallbacks) {
      const name = model === "auto" ? auto() : model;
      const first = toCandidate(name);
      const usable = fallbacks.filter(({ provider }) => {
        const fallback = config.providers[provider];
        return fallback === undefined || isConfigured(fallback);
      });
      const others = usable.map(toCandidate);
      return {
        provider: others.length === 0 ? first.provider : withFallback(first, others, deps.log),
        providerId: name.provider,
        model: name.model,
        images: showsImages(name.provider, config),
        contextWindow: Math.min(...[name, ...usable].map(windowOf)),
        price,
      };
    },
  };
}

function newProvider(id: string, config: LlmConfig, deps: ModelsDeps): LlmProvider {
  const provider = config.providers[id];
  if (provider === undefined) {
    const known = [...Object.keys(config.providers), demoName].join(", ");
    throw new AppError("invalid", `There is no provider ${id}. llm.yaml has: ${known}. Add it under providers there`);
  }
  const kind = requireKind(id, provider);
  const gate = deps.gates.get(id);
  if (gate === undefined) throw new AppError("invalid", `Cannot ask ${id}: ${toMissingKey(id, kind, provider)}`);

  const known = providerKinds[kind];
  const { first_chunk: firstMs, idle: idleMs, total: totalMs } = provider.timeouts;
  const wire = newWireProvider({
    id,
    endpoint: {
      protocol: known.protocol,
      baseUrl: baseUrlOf(kind, provider),
      apiKey: provider.api_key ?? newSecret(""),
      headers: provider.headers,
    },
    images: showsImages(id, config),
    // https://api-docs.deepseek.com/guides/thinking_mode: calls must come back with the thoughts that led to them.
    wantsReasoning: kind === "deepseek",
    timeouts: { firstMs, idleMs, totalMs },
    ...("maxOutputTokens" in known ? { maxOutputTokens: known.maxOutputTokens } : {}),
  }, deps);
  const limited = gate.bucket === undefined ? wire : withLimiter(wire, gate.bucket, deps.clock);
  const { rate_limited_attempts, failed_attempts, initial_backoff, max_backoff } = config.retry;
  const policy = {
    rateLimitedAttempts: rate_limited_attempts,
    failedAttempts: failed_attempts,
    initialBackoffMs: initial_backoff,
    maxBackoffMs: max_backoff,
  };
  return withMetrics(withRetry(withBreaker(limited, gate.breaker), policy, deps), deps);
}

function requireKind(id: string, provider: ProviderConfig): ProviderKindName {
  const kind = kindOf(id, provider);
  if (kind !== undefined) return kind;
  throw new AppError("invalid", `Cannot ask ${id}: ${toMissingKind(id)}`);
}

function toAvailable(id: string, provider: ProviderConfig): AvailableModel {
  const kind = kindOf(id, provider);
  if (kind === undefined) return { provider: id, model: "", configured: false, missing: toMissingKind(id) };
  const model = defaultModelOf(kind, provider) ?? "";
  if (!isConfigured(provider)) {
    return { provider: id, model, configured: false, missing: toMissingKey(id, kind, provider) };
  }
  if (model !== "") return { provider: id, model, configured: true };
  const missing = `providers.${id}.default_model is not set, so \`auto\` passes it over. Set it in llm.yaml`;
  return { provider: id, model, configured: true, missing };
}

function toMissingKind(id: string): string {
  return `providers.${id}.kind is not set. Set it in llm.yaml to one of ${kindNames.join(", ")}`;
}

function toMissingKey(id: string, kind: ProviderKindName, provider: ProviderConfig): string {
  const variable = isVendorsOwn(kind, provider)
    ? providerKinds[kind].keyVariable
    : `${id.toUpperCase().replaceAll("-", "_")}_API_KEY`;
  return `providers.${id}.api_key is empty. Run: agent setup llm --provider ${id}. ` +
    `Or set ${variable}, or whatever llm.yaml names there, and start again`;
}

function showsImages(id: string, config: LlmConfig): boolean {
  const provider = config.providers[id];
  const kind = provider === undefined ? undefined : kindOf(id, provider);
  return provider !== undefined && kind !== undefined && provider.images && providerKinds[kind].images;
}
