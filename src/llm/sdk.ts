import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { Secret } from "../core/secret.ts";
import type { Protocol } from "./kinds.ts";
import { withWellFormedBody } from "./well_formed.ts";

/** Where requests go and with which rights. */
export interface Endpoint {
  readonly protocol: Protocol;
  readonly baseUrl: string;
  /** `none`: the endpoint wants no key. */
  readonly apiKey: Secret;
  readonly headers: Readonly<Record<string, Secret>>;
}

/** Under which name the SDK of a protocol keeps what a provider wants back verbatim. */
export const metadataKeys: Readonly<Record<Protocol, string>> = {
  anthropic: "anthropic",
  openai: "compatible",
  google: "google",
};

/**
 * Loads the SDK of the endpoint's protocol and gives its models. Each SDK costs 10 to 20 ms and some 6 MB, so none is
 * loaded before a model of its protocol is asked.
 */
export async function loadModels(
  { protocol, baseUrl, apiKey, headers }: Endpoint,
  fetch: typeof globalThis.fetch,
): Promise<(model: string) => LanguageModelV4> {
  const key = apiKey.reveal();
  const settings = {
    baseURL: baseUrl,
    fetch: withWellFormedBody(fetch),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
  };
  switch (protocol) {
    case "anthropic": {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ ...settings, apiKey: key });
    }
    case "google": {
      const { createGoogle } = await import("@ai-sdk/google");
      return createGoogle({ ...settings, apiKey: key });
    }
    case "openai": {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      return createOpenAICompatible({
        ...settings,
        name: metadataKeys.openai,
        includeUsage: true,
        ...(key === "none" ? {} : { apiKey: key }),
        // OpenAI's newer models refuse the old name; other servers know only that one.
        ...(new URL(baseUrl).hostname === "api.openai.com" ? { transformRequestBody: renameMaxTokens } : {}),
      });
    }
  }
}

function renameMaxTokens({ max_tokens, ...body }: Record<string, unknown>): Record<string, unknown> {
  return max_tokens === undefined ? body : { ...body, max_completion_tokens: max_tokens };
}
