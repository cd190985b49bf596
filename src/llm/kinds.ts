import { kindNames, type ProviderConfig } from "../config/llm.ts";

/** Name of a kind, as `kind` in llm.yaml has it. */
export type ProviderKindName = (typeof kindNames)[number];

/** Protocols that the runtime speaks. */
export type Protocol = "anthropic" | "openai" | "google";

/** What is known about a kind of provider before it is asked anything. */
export interface ProviderKind {
  readonly protocol: Protocol;
  /** The vendor's public address. */
  readonly baseUrl: string;
  /** What `auto` takes where the config names no model and the address is the vendor's. */
  readonly defaultModel: string;
  /** Variable that users set for the key by custom, for remedies. */
  readonly keyVariable: string;
  /** Whether its models can see images. */
  readonly images: boolean;
  /** Longest answer where the agent sets none and the protocol demands a number. */
  readonly maxOutputTokens?: number;
}

/** Every kind of provider. Addresses and models as the vendors document them, November 2026. */
export const providerKinds = {
  anthropic: {
    protocol: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    defaultModel: "claude-sonnet-4-5",
    keyVariable: "ANTHROPIC_API_KEY",
    images: true,
  },
  openai_compatible: {
    protocol: "openai",
    baseUrl: "https://api.openai.com/v1",
    defaultModel: "gpt-4.1-mini",
    keyVariable: "OPENAI_API_KEY",
    images: true,
  },
  gemini: {
    protocol: "google",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    defaultModel: "gemini-2.5-flash",
    keyVariable: "GEMINI_API_KEY",
    images: true,
  },
  // https://platform.minimax.io/docs/api-reference/text-anthropic-api: no images, full thinking blocks wanted back.
  minimax: {
    protocol: "anthropic",
    baseUrl: "https://api.minimax.io/anthropic/v1",
    defaultModel: "MiniMax-M2.7",
    keyVariable: "MINIMAX_API_KEY",
    images: false,
    maxOutputTokens: 32_768,
  },
  // https://api-docs.deepseek.com/quick_start/pricing
  deepseek: {
    protocol: "openai",
    baseUrl: "https://api.deepseek.com/v1",
    defaultModel: "deepseek-v4-flash",
    keyVariable: "DEEPSEEK_API_KEY",
    images: false,
  },
} as const satisfies Record<ProviderKindName, ProviderKind>;

/** The kind of the provider `id`, or `undefined` where neither `kind` nor the id names one. */
export function kindOf(id: string, config: ProviderConfig): ProviderKindName | undefined {
  if (config.kind !== undefined) return config.kind;
  return kindNames.find((name) => name === id);
}

/** The model that `auto` takes, or `undefined` where only the config could know (an own server). */
export function defaultModelOf(kind: ProviderKindName, config: ProviderConfig): string | undefined {
  if (config.default_model !== undefined) return config.default_model;
  return kind === "openai_compatible" && !isVendorsOwn(kind, config) ? undefined : providerKinds[kind].defaultModel;
}

/**
 * The address that requests go to. Forgives the two common ways of writing one: with and without the version.
 */
export function baseUrlOf(kind: ProviderKindName, config: ProviderConfig): string {
  const { protocol, baseUrl } = providerKinds[kind];
  if (config.base_url === undefined) return baseUrl;
  const given = config.base_url.replace(/\/+$/, "");
  switch (protocol) {
    case "anthropic":
      return given.endsWith("/v1") ? given : `${given}/v1`;
    case "google":
      return new URL(given).pathname === "/" ? `${given}/v1beta` : given;
    case "openai":
      return given;
  }
}

/** Whether requests go to the vendor itself, not to another server that speaks its protocol. */
export function isVendorsOwn(kind: ProviderKindName, config: ProviderConfig): boolean {
  return baseUrlOf(kind, config) === providerKinds[kind].baseUrl;
}

/** Whether the provider may be asked: it has a key, or says `none`. */
export function isConfigured(config: ProviderConfig): boolean {
  return (config.api_key?.reveal() ?? "") !== "";
}
