import { nkeys } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { openLink } from "../../src/broker/link.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newNatsConfig } from "../broker/bus_world.ts";
import { type NatsServerOptions, startNatsServer } from "../fixtures/nats_server.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";

/** How a first connection ended: empty where it stands, else what is said of it. */
async function connectTo(server: NatsServerOptions, broker: Readonly<Record<string, unknown>>): Promise<string> {
  await using running = await startNatsServer(server);
  const log = newRecordedLog();
  const config = newNatsConfig({ url: running.url, ...broker });
  await using _link = openLink({ config, log, clock: systemClock, prepare: () => Promise.resolve() });
  const first = await log.nextEntry(({ event }) => /^nats\.(up|down)$/.test(event), AbortSignal.timeout(10_000));
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
async function makeCertificates(folder: string): Promise<void> {
  const openssl = async (...args: readonly string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args: [...args], cwd: folder }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  const newKey = ["-newkey", "rsa:2048", "-nodes", "-keyout"];
  await Deno.writeTextFile(`${folder}/names`, "subjectAltName=IP:127.0.0.1,DNS:localhost");
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
const late = () => AbortSignal.timeout(20_000);

async function openLinks(count: number, open: () => AsyncDisposable): Promise<AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  for (let link = 0; link < count; link++) opening.use(open());
  return opening.move();
}
