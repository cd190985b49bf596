import { z } from "zod";
import { deadline, secretText } from "./scalars.ts";

const serverUrl = z.string().regex(
  /^((nats|tls):\/\/)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/,
  'must be "nats://host:port" or "tls://host:port"; user, password and token have keys of their own',
);

const local = z.strictObject({ type: z.literal("local").describe("The bus inside the process.") });

const nats = z.strictObject({
  type: z.literal("nats").describe("The bus inside the process, and NATS beside it: other processes listen and speak."),
  url: z.union([serverUrl, z.array(serverUrl).min(1).max(32)]).default("nats://127.0.0.1:4222").describe(
    "A server, or a list of servers that are tried in turn.",
  ),
  name: z.string().min(1).max(100).default("nexo").describe("How the servers list this process."),
  prefix: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, "must be 1 to 32 letters, digits, - or _").optional().describe(
    "Stands before every subject: `acme` makes `acme.plugin.inbound...`. Processes with one prefix work together.",
  ),
  auth: z.union([
    z.strictObject({ user: z.string().min(1).describe("User."), password: secretText.describe("Its password.") }),
    z.strictObject({ token: secretText.describe("Token.") }),
    z.strictObject({ nkey_file: z.string().min(1).describe("File with an NKey seed.") }),
    z.strictObject({ creds_file: z.string().min(1).describe("Credentials file (JWT and seed).") }),
  ]).optional().describe("How this process says who it is."),
  tls: z.strictObject({
    ca_file: z.string().min(1).optional().describe("Certificates of who signed the server's. Default: the system's."),
    cert_file: z.string().min(1).optional().describe("Certificate of this process."),
    key_file: z.string().min(1).optional().describe("Its key."),
  }).optional().describe("TLS. Also on where a server is written as `tls://`."),
  ping_interval: deadline.default(10_000).describe("How often a silent server is asked; after two misses it is gone."),
  replicas: z.number().int().min(1).max(5).default(1).describe("Servers of a cluster that keep each event."),
  limits: z.strictObject({
    max_spill_rows: z.number().int().min(100).default(500_000).describe(
      "Events that may wait on disk for NATS. Near it publishing slows; at it intake pauses.",
    ),
    max_spill_bytes: z.number().int().min(1_000_000).default(1_000_000_000).describe("The same in bytes."),
  }).prefault({}).describe("Bounds while NATS is away."),
});

/** `broker.yaml`. */
export const brokerFileSchema = z.strictObject({
  broker: z.discriminatedUnion("type", [local, nats]).default({ type: "local" }).describe("How events travel."),
});
/** `broker.yaml`, as parsed. */
export type BrokerConfig = z.output<typeof brokerFileSchema>["broker"];
/** What `broker.yaml` says of NATS. */
export type NatsConfig = Extract<BrokerConfig, { readonly type: "nats" }>;
