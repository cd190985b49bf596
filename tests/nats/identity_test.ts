import { nkeys } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { openLink } from "../../src/broker/link.ts";
import type { NatsConfig } from "../../src/config/broker.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newNatsConfig } from "../broker/bus_world.ts";
import { type NatsServerOptions, startNatsServer } from "../fixtures/nats_server.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** How a first connection to a server of its own ended: empty where it stands, else what is said of it. */
async function connectTo(server: NatsServerOptions, broker: Readonly<Record<string, unknown>>): Promise<string> {
  await using running = await startNatsServer(server);
  return await connect(newNatsConfig({ url: running.url, ...broker }));
}

async function connect(config: NatsConfig): Promise<string> {
  const log = newRecordedLog();
  await using _link = openLink({ config, log, clock: systemClock, prepare: () => Promise.resolve() });
  const first = await log.nextEntry(({ event }) => /^nats\.(up|down)$/.test(event), AbortSignal.timeout(60_000));
  return String(first.fields["error"] ?? "");
}

Deno.test("a token and an NKey are shown to the server; a seed that is not there is said", async () => {
  await using folder = await openTempDir();
  const user = nkeys.createUser();
  await Deno.writeFile(`${folder.path}/seed`, user.getSeed());
  const guarded = { config: `authorization { users: [{ nkey: ${user.getPublicKey()} }] }` };
  assert.equal(await connectTo({ args: ["--auth", "open sesame"] }, { auth: { token: "open sesame" } }), "");
  assert.equal(await connectTo(guarded, { auth: { nkey_file: `${folder.path}/seed` } }), "");
  assert.match(await connectTo(guarded, { auth: { nkey_file: `${folder.path}/none` } }), /No such file/);
  assert.match(await connectTo(guarded, {}), /refuses our credentials/);
});

Deno.test("a credentials file is shown to a server that knows its operator; one of a stranger is refused", async () => {
  await using folder = await openTempDir();
  const [operator, account, user, stranger] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createUser(),
    nkeys.createAccount(),
  ];
  const operatorJwt = newJwt(operator, operator, "operator");
  const accountJwt = newJwt(operator, account, "account", {
    limits: { subs: -1, conn: -1, leaf: -1, data: -1, payload: -1 },
  });
  const server = {
    jetStream: false,
    config:
      `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
  };
  const limits = { subs: -1, data: -1, payload: -1 };
  for (const [name, issuer] of [["known", account], ["unknown", stranger]] as const) {
    const jwt = newJwt(issuer, user, "user", limits);
    const seed = new TextDecoder().decode(user.getSeed());
    await Deno.writeTextFile(
      `${folder.path}/${name}.creds`,
      `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n` +
        `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    );
  }
  assert.equal(await connectTo(server, { auth: { creds_file: `${folder.path}/known.creds` } }), "");
  assert.match(await connectTo(server, { auth: { creds_file: `${folder.path}/unknown.creds` } }), /refuses our cred/);
  assert.match(await connectTo(server, { auth: { creds_file: `${folder.path}/none.creds` } }), /No such file/);
});

/** A JWT as NATS signs them (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt). */
function newJwt(issuer: KeyPair, subject: KeyPair, type: string, nats: Record<string, unknown> = {}): string {
  const encode = (value: unknown) => toBase64Url(new TextEncoder().encode(JSON.stringify(value)));
  const claims = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    name: type,
    sub: subject.getPublicKey(),
    nats: { ...nats, type, version: 2 },
  };
  const text = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(claims)}`;
  return `${text}.${toBase64Url(issuer.sign(new TextEncoder().encode(text)))}`;
}

function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

Deno.test("a user and a password are shown to the server", async () => {
  const server = { args: ["--user", "ana", "--pass", "right"] };
  assert.equal(await connectTo(server, { auth: { user: "ana", password: "right" } }), "");
  assert.match(await connectTo(server, { auth: { user: "ana", password: "wrong" } }), /refuses our credentials/);
});

Deno.test("a certificate must be for the address or the name by which the server is called", async () => {
  await using folder = await openTempDir();
  const file = (name: string) => `${folder.path}/${name}`;
  const tls = { ca_file: file("ca.pem") };
  const args = ["--tls", "--tlscert", file("server.pem"), "--tlskey", file("server.key")];
  for (const [names, ip, name] of [["IP:127.0.0.1", true, false], ["DNS:localhost", false, true]] as const) {
    await makeCertificates(folder.path, names);
    await using server = await startNatsServer({ args });
    for (const [host, fits] of [["127.0.0.1", ip], ["localhost", name]] as const) {
      const said = await connect(newNatsConfig({ url: `tls://${host}:${server.port}`, tls }));
      assert.match(said, fits ? /^$/ : /does not match certificate/, `${names} for ${host}`);
    }
  }
});

Deno.test("of several servers the one that is there is taken", async () => {
  await using server = await startNatsServer();
  const dead = Array.from({ length: 5 }, (_, index) => `nats://127.0.0.1:${index + 1}`);
  assert.equal(await connect(newNatsConfig({ url: [...dead, server.url] })), "");
});

Deno.test("TLS holds with a known certificate, with one of our own where it is asked for, and with no other", async () => {
  await using folder = await openTempDir();
  const file = (name: string) => `${folder.path}/${name}`;
  await makeCertificates(folder.path);
  const server = ["--tls", "--tlscert", file("server.pem"), "--tlskey", file("server.key")];
  const strict = [...server, "--tlsverify", "--tlscacert", file("ca.pem")];
  const known = { ca_file: file("ca.pem") };
  const own = { ...known, cert_file: file("client.pem"), key_file: file("client.key") };
  assert.equal(await connectTo({ args: server }, { tls: known }), "");
  assert.match(await connectTo({ args: server }, { tls: { ca_file: file("client.pem") } }), /certificate/);
  assert.equal(await connectTo({ args: strict }, { tls: own }), "");
  assert.notEqual(await connectTo({ args: strict }, { tls: known }), "");
});

/** A certificate authority, and certificates of it for a server on this machine and a client. */
async function makeCertificates(folder: string, names = "IP:127.0.0.1,DNS:localhost"): Promise<void> {
  const openssl = async (...args: readonly string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args: [...args], cwd: folder }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  const newKey = ["-newkey", "rsa:2048", "-nodes", "-keyout"];
  await Deno.writeTextFile(`${folder}/names`, `subjectAltName=${names}`);
  await openssl("req", "-x509", ...newKey, "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2");
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"];
  for (const name of ["server", "client"]) {
    await openssl("req", ...newKey, `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    await openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signed);
  }
}

Deno.test("a server that refuses and resets again and again does not end the process", async () => {
  await using server = await startNatsServer({ args: ["--auth", "open sesame"] });
  const log = newRecordedLog();
  const config = newNatsConfig({ url: server.url, auth: { token: "wrong" } });
  // Each reset is seen by chance: in one of ten, before the client stopped listening.
  await using _links = await openLinks(100, () => openLink({ config, log, clock: systemClock, prepare: unused }));
  await log.nextEntry(() => log.entries.filter(({ event }) => event === "nats.down").length >= 100, late());
});

const unused = () => Promise.resolve();
const late = () => AbortSignal.timeout(60_000);

async function openLinks(count: number, open: () => AsyncDisposable): Promise<AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  for (let link = 0; link < count; link++) opening.use(open());
  return opening.move();
}
