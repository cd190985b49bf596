import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import type { ErrorKind } from "../../src/core/error.ts";
import { installExtension, type InstallOptions, uninstallExtension } from "../../src/extensions/install.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openExtensionWorld, textOf, toManifest, toModule } from "./world.ts";

const manifest = toManifest("echo", ["say"]);
const main = toModule({ say: "return 'hello';" });
const good = [toFile("echo-1.0/plugin.toml", manifest), toFile("echo-1.0/main.ts", main)];

function toFile(name: string, text: string) {
  return { header: { name, size: new TextEncoder().encode(text).length, type: "file" as const }, body: text };
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A world with an archive of `entries` in it, and what installs it. */
async function openArchive(entries: Parameters<typeof packTar>[0]) {
  const world = await openExtensionWorld();
  const source = `${world.searchPath}/archive.tar.gz`;
  await Deno.writeFile(source, await gzip(await packTar(entries)));
  const install = (changes: Partial<InstallOptions> = {}) =>
    installExtension({
      installedDir: world.installedDir,
      source,
      trustedKeys: {},
      requireSignature: false,
      ...changes,
    });
  return { world, source, install, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

Deno.test("an archive is installed, enabled and runs; what it replaces is told", async () => {
  await using archive = await openArchive(good);
  const { world, install } = archive;
  assert.equal((await install()).replaced, undefined);
  await world.open();
  const view = await world.enable("echo");
  assert.equal(view.installed, true);
  assert.equal(textOf(await world.call("ext_echo_say", {})), "hello");
  assert.equal((await install()).replaced, "1.0.0");
  await world.until("echo", ({ state }) => state === "up");
});

Deno.test("an installed extension whose files were changed does not start, and one that runs is stopped", async () => {
  await using archive = await openArchive(good);
  const { world, install } = archive;
  await install();
  await world.open();
  await world.enable("echo");
  await Deno.writeTextFile(`${world.installedDir}/echo/main.ts`, `${main}// one more line`);
  const view = await world.until("echo", ({ state }) => state === "off");
  assert.match(view.reason ?? "", /not those that were installed/);
  const room = await world.open();
  assert.deepEqual(room.tools.current, []);
  await rejectsWith("denied", room.enable("echo", world.view("echo").hash ?? ""));
  await install();
  await world.until("echo", ({ state }) => state === "up");
});

Deno.test("an archive that leads out of its folder, or holds more than files, is refused and leaves nothing behind", async () => {
  const link = (type: "symlink" | "link", linkname: string) => ({
    header: { name: "echo-1.0/x", size: 0, type, linkname },
  });
  const cases = [
    [...good, toFile("../../evil.ts", "x")],
    [...good, toFile("echo-1.0/../../evil.ts", "x")],
    [...good, toFile("/etc/evil", "x")],
    [...good, toFile("echo-1.0\\..\\evil", "x")],
    [...good, toFile("echo-1.0/main.ts", "twice")],
    [...good, link("symlink", "/etc/passwd")],
    [...good, link("link", "/etc/passwd")],
    [...good, { header: { name: "echo-1.0/pipe", size: 0, type: "fifo" as const } }],
    [toFile("echo-1.0/main.ts", main)],
    [],
  ];
  for (const entries of cases) {
    await using archive = await openArchive(entries);
    const error = await rejectsWith("invalid", archive.install());
    assert.match(error.message, /archive|plugin\.toml/);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(archive.world.installedDir))).map(({ name }) => name), []);
  }
});

Deno.test("what is no archive, and a small one that is large inside, are refused", async () => {
  await using archive = await openArchive(good);
  await Deno.writeTextFile(archive.source, "hello");
  await rejectsWith("invalid", archive.install());
  await Deno.writeFile(archive.source, await gzip(new Uint8Array(60_000_000)));
  assert.match((await rejectsWith("invalid", archive.install())).message, /unpacks to more/);
});

Deno.test("a folder with a link in it is refused", async () => {
  await using world = await openExtensionWorld();
  const source = await world.write("echo", { "plugin.toml": manifest, "main.ts": main });
  await Deno.symlink("/etc/passwd", `${source}/data.txt`);
  const options = { installedDir: world.installedDir, source, trustedKeys: {}, requireSignature: false };
  assert.match((await rejectsWith("invalid", installExtension(options))).message, /holds no links/);
  await world.open();
  assert.match(world.view("echo").reason ?? "", /holds no links/);
});

Deno.test("a signature is of the whole archive and of a trusted key, or the archive is refused", async () => {
  await using archive = await openArchive(good);
  const { install, source } = archive;
  const [mine, other] = [await newKey(), await newKey()];
  const trustedKeys = { author: mine.publicKey };
  const denied = async (kind: ErrorKind, changes: Partial<InstallOptions>) =>
    (await rejectsWith(kind, install(changes))).reason;

  assert.equal(await denied("denied", { requireSignature: true, trustedKeys }), "unsigned");
  await other.sign(source);
  assert.equal(await denied("denied", { trustedKeys }), "untrusted_signature");
  await mine.sign(source);
  assert.equal(await denied("denied", { trustedKeys: {} }), "untrusted_signature");
  assert.equal((await install({ requireSignature: true, trustedKeys })).signedBy, "author");
  await archive.world.open();
  assert.equal(archive.world.view("echo").signedBy, "author");

  const bytes = await Deno.readFile(source);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  await Deno.writeFile(source, bytes);
  assert.equal(await denied("denied", { trustedKeys }), "untrusted_signature");
  const folder = await archive.world.write("plain", { "plugin.toml": manifest });
  assert.equal(await denied("denied", { source: folder, requireSignature: true }), "unsigned");
});

Deno.test("what was uninstalled is gone, but for what it has kept", async () => {
  await using archive = await openArchive(good);
  const { world, install } = archive;
  await install();
  await world.open();
  await world.enable("echo");
  await uninstallExtension(world.installedDir, "echo");
  const room = await world.open();
  assert.deepEqual(room.views(), []);
  assert.ok((await Deno.stat(`${world.dataDir}/extensions/state/echo`)).isDirectory);
  await rejectsWith("missing", uninstallExtension(world.installedDir, "echo"));
});

async function newKey() {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("publicKey" in pair)) throw new Error("Ed25519 keys come in pairs");
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)).toBase64();
  return {
    publicKey,
    async sign(path: string) {
      const signature = await crypto.subtle.sign("Ed25519", pair.privateKey, await Deno.readFile(path));
      await Deno.writeTextFile(`${path}.sig`, `${new Uint8Array(signature).toBase64()}\n`);
    },
  };
}
