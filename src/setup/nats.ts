import { tryNats, tryNatsLogin } from "../app/live.ts";
import { type BrokerConfig, brokerFileSchema, type NatsConfig } from "../config/broker.ts";
import { type ConfigValue, toSecretReference } from "../config/edit.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import type { Prompts } from "./prompts.ts";
import { readSecret, toSecret, whyNoSecret } from "./secret.ts";
import { carryOut, type PlaceFlags, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup nats`. */
export interface NatsFlags extends PlaceFlags {
  readonly url?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
  readonly credsFile?: string;
  readonly offline: boolean;
}

/** How this process says who it is; `undefined`: not at all. */
type Login =
  | { readonly user: string; readonly password: Secret }
  | { readonly token: Secret }
  | { readonly creds_file: string };

const localUrl = "nats://127.0.0.1:4222";
const secretName = "nats";

/** Lets events travel over NATS too. The login is tried before anything is written. @throws {AppError} */
export async function setUpNats(site: Site, flags: NatsFlags): Promise<void> {
  const prompts = await promptsFor(site, "nats", { "--url": flags.url });
  const { broker } = await site.load();
  const url = flags.url === undefined ? await askUrl(prompts) : flags.url;
  const base = toBase(broker, url);
  const given = await readLogin(flags);
  const login = flags.offline ? given : await tryOut(site, base, given, prompts);
  const proof = login === undefined ? [] : [{ path: ["broker", "auth"], value: toSettings(login) }];
  const changes = broker.type === "nats"
    ? [{ path: ["broker", "url"], value: url }, ...proof]
    : [{ path: ["broker"], value: { type: "nats", url, ...(login === undefined ? {} : { auth: toSettings(login) }) } }];
  await carryOut(site, {
    changes: [{ path: "broker.yaml", changes }],
    secrets: toSecrets(login),
    done: "other processes and programs listen and speak on NATS (docs/nats.md), from the next start on",
  }, prompts);
}

/** Whether a NATS server answers on this machine. */
async function isNatsHere(): Promise<boolean> {
  try {
    await tryNats(localUrl);
    return true;
  } catch (thrown) {
    const { kind } = toAppError(thrown);
    if (kind === "unavailable" || kind === "timeout") return false;
    throw thrown;
  }
}

async function askUrl(prompts: Prompts | undefined): Promise<string> {
  const found = await isNatsHere();
  prompts?.tell(found ? `A NATS server answers at ${localUrl}.` : "No NATS server answers on this machine.");
  return await prompts?.text({ message: "Address of the server", fallback: localUrl, check: whyNoUrl }) ?? localUrl;
}

/** What is said of NATS already, with this address. @throws {AppError} `invalid` */
function toBase(broker: BrokerConfig, url: string): NatsConfig {
  const fault = whyNoUrl(url);
  // The address is not repeated: it may hold a password.
  if (fault !== undefined) throw new AppError("invalid", `--url ${fault}. A login has flags of its own`);
  const parsed = brokerFileSchema.parse({ broker: { type: "nats", url } }).broker;
  if (parsed.type !== "nats") throw new AppError("bug", "A broker of NATS became another");
  return broker.type === "nats" ? { ...broker, url } : parsed;
}

function whyNoUrl(text: string): string | undefined {
  const parsed = brokerFileSchema.safeParse({ broker: { type: "nats", url: text } });
  return parsed.success ? undefined : 'must be "nats://host:port" or "tls://host:port"';
}

async function readLogin({ user, passwordFile, tokenFile, credsFile }: NatsFlags): Promise<Login | undefined> {
  if (credsFile !== undefined) return { creds_file: await Deno.realPath(credsFile) };
  if (tokenFile !== undefined) return { token: await readSecret(tokenFile, "token") };
  if (user === undefined && passwordFile === undefined) return undefined;
  if (user === undefined || passwordFile === undefined) {
    throw new AppError("invalid", "--user and --password-file belong together: give both");
  }
  return { user, password: await readSecret(passwordFile, "password") };
}

/** Gives the login that the server takes, or what the person wants written all the same. */
async function tryOut(
  { terminal }: Site,
  base: NatsConfig,
  given: Login | undefined,
  prompts: Prompts | undefined,
): Promise<Login | undefined> {
  let login = given;
  while (true) {
    try {
      const { jetStream } = await tryNatsLogin(login === undefined ? base : { ...base, auth: login });
      terminal.print(`${[base.url].flat().join(", ")} answers, ${jetStream ? "with" : "without"} JetStream.\n`);
      return login;
    } catch (thrown) {
      if (prompts === undefined) throw thrown;
      prompts.warn(toAppError(thrown).message);
      const next = await prompts.choose("What now?", [
        { value: "again", label: "try once more" },
        { value: "user", label: "log in with a user and a password" },
        { value: "token", label: "log in with a token" },
        { value: "write", label: "write it all the same" },
      ]);
      if (next === "write") return login;
      if (next === "user") {
        const user = await prompts.text({ message: "User" });
        login = { user, password: toSecret(await prompts.secret("Its password", whyNoSecret), "password") };
      }
      if (next === "token") login = { token: toSecret(await prompts.secret("Token", whyNoSecret), "token") };
    }
  }
}

function toSettings(login: Login): ConfigValue {
  if ("token" in login) return { token: toSecretReference(secretName) };
  if ("user" in login) return { user: login.user, password: toSecretReference(secretName) };
  return login;
}

function toSecrets(login: Login | undefined) {
  if (login === undefined || "creds_file" in login) return [];
  return [{ name: secretName, value: "token" in login ? login.token : login.password }];
}
