import { type PresetName, presets } from "../../plugins/email/presets.ts";
import { toAppError } from "../core/error.ts";

/** A server as `imap` and `smtp` of plugins/email.yaml have it. */
export interface FoundServer {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Servers of an address: those of a known provider, or those that its domain has. */
export type FoundServers =
  | { readonly preset: PresetName }
  | { readonly imap: FoundServer; readonly smtp: FoundServer };

/** How domains are looked at. */
export interface Network {
  /** Hosts that take the domain's mail. Empty: none. */
  mx(domain: string): Promise<readonly string[]>;
  /** Where the domain says that a service is: RFC 6186. Empty: it does not say. */
  srv(name: string): Promise<readonly { readonly target: string; readonly port: number }[]>;
  /** Whether something listens there. */
  listens(host: string, port: number): Promise<boolean>;
}

/** Domains of the providers' own addresses. */
const domains: Readonly<Record<PresetName, RegExp>> = {
  gmail: /^(?:gmail|googlemail)\.com$/,
  outlook: /^(?:outlook|hotmail|live|msn)\.[a-z.]+$/,
  yahoo: /^(?:yahoo\.[a-z.]+|ymail\.com)$/,
  icloud: /^(?:icloud|me|mac)\.com$/,
};

/** Where mail of other domains goes that a provider keeps for its customers. */
const customerHosts: readonly (readonly [RegExp, PresetName])[] = [
  [/(?:^|\.)google(?:mail)?\.com$/, "gmail"],
  [/\.protection\.outlook\.com$/, "outlook"],
  [/\.mail\.icloud\.com$/, "icloud"],
];

const lookMs = 4_000;

/** Finds the servers of a mail address; `undefined` where the domain does not tell. */
export async function findMailServers(address: string, network: Network): Promise<FoundServers | undefined> {
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  const names = Object.entries(domains).find(([, pattern]) => pattern.test(domain))?.[0];
  const known = toPreset(names);
  if (known !== undefined) return { preset: known };
  const hosts = await network.mx(domain);
  const customer = customerHosts.find(([pattern]) => hosts.some((host) => pattern.test(host)))?.[1];
  if (customer !== undefined) return { preset: customer };

  const imap = await findOne(network, domain, ["_imaps._tcp"], [["imap", 993, true], ["mail", 993, true]]);
  const smtp = await findOne(network, domain, ["_submissions._tcp", "_submission._tcp"], [
    ["smtp", 465, true],
    ["mail", 465, true],
    ["smtp", 587, false],
    ["mail", 587, false],
  ]);
  return imap === undefined || smtp === undefined ? undefined : { imap, smtp };
}

/** The network that this process is on. */
export function newNetwork(): Network {
  const orNone = async <T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await look();
    } catch (thrown) {
      // A name that is not there, and a resolver that does not answer, tell the same: nothing.
      if (toAppError(thrown).kind === "denied") throw thrown;
      return [];
    }
  };
  const signal = () => AbortSignal.timeout(lookMs);
  const trim = (host: string) => host.replace(/\.$/, "").toLowerCase();
  return {
    mx: (domain) =>
      orNone(async () =>
        (await Deno.resolveDns(domain, "MX", { signal: signal() })).map(({ exchange }) => trim(exchange))
      ),
    srv: (name) =>
      orNone(async () =>
        (await Deno.resolveDns(name, "SRV", { signal: signal() })).map(({ target, port }) => ({
          target: trim(target),
          port,
        }))
      ),
    async listens(hostname, port) {
      const [open] = await orNone(async () => [await Deno.connect({ hostname, port, signal: signal() })]);
      open?.close();
      return open !== undefined;
    },
  };
}

async function findOne(
  network: Network,
  domain: string,
  services: readonly string[],
  guesses: readonly (readonly [string, number, boolean])[],
): Promise<FoundServer | undefined> {
  for (const service of services) {
    // A target of "." says that there is no such service.
    const found = (await network.srv(`${service}.${domain}`)).find(({ target }) => target !== "");
    if (found !== undefined) return { host: found.target, port: found.port, secure: service !== "_submission._tcp" };
  }
  for (const [name, port, secure] of guesses) {
    const host = `${name}.${domain}`;
    if (await network.listens(host, port)) return { host, port, secure };
  }
  return undefined;
}

function toPreset(name: string | undefined): PresetName | undefined {
  return name !== undefined && Object.hasOwn(presets, name) ? name as PresetName : undefined; // eraser: a key of presets
}
