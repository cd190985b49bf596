import type { ConfigFault } from "./fault.ts";
import type { Origin } from "./origins.ts";
import { address } from "./scalars.ts";

/** Variables that win over the addresses in runtime.yaml. */
const variables = [
  ["AGENT_HEALTH_ADDR", "health"],
  ["AGENT_METRICS_ADDR", "metrics"],
  ["AGENT_ADMIN_ADDR", "admin"],
] as const;

/** Addresses that the environment sets. */
export interface AddressOverrides {
  readonly addresses: { readonly health?: string; readonly metrics?: string; readonly admin?: string };
  readonly origins: readonly (readonly [string, Origin])[];
  readonly faults: readonly ConfigFault[];
}

/** Reads the addresses in `env`. An empty variable counts as unset. */
export function readAddresses(env: Readonly<Record<string, string | undefined>>): AddressOverrides {
  const addresses: { health?: string; metrics?: string; admin?: string } = {};
  const origins: [string, Origin][] = [];
  const faults: ConfigFault[] = [];
  for (const [name, listener] of variables) {
    const value = env[name];
    if (value === undefined || value === "") continue;
    const parsed = address.safeParse(value);
    if (parsed.success) {
      addresses[listener] = parsed.data;
      origins.push([`runtime.http.${listener}`, { kind: "environment", name }]);
      continue;
    }
    faults.push({
      file: name,
      path: "",
      message: parsed.error.issues[0]?.message ?? "is no address",
      remedy: `Correct or unset the environment variable ${name}`,
    });
  }
  return { addresses, origins, faults };
}
