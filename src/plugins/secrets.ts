import type { Secret } from "../core/secret.ts";

/** The secrets inside a plugin's config by their dotted path, such as `token` or `webhook.secret`. */
export function collectSecrets(config: unknown, path: readonly string[] = []): ReadonlyMap<string, Secret> {
  if (isSecret(config)) return new Map([[path.join("."), config]]);
  if (typeof config !== "object" || config === null) return new Map();
  return new Map(Object.entries(config).flatMap(([key, value]) => [...collectSecrets(value, [...path, key])]));
}

/** Text that is equal exactly where two configs are, secrets included. Never leaves the process. */
export function toConfigFingerprint(config: unknown): string {
  const secrets = [...collectSecrets(config)].map(([path, secret]) => [path, secret.reveal()]);
  return JSON.stringify([config, secrets]);
}

function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && "reveal" in value && typeof value.reveal === "function";
}
