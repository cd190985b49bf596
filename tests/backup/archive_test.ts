import assert from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { packTar, type TarEntry } from "modern-tar";
import { type ArchiveFile, readArchive, writeArchive } from "../../src/backup/archive.ts";
import { openSealed, sealInto } from "../../src/backup/seal.ts";
import { finishRestore, restoreData } from "../../src/backup/restore.ts";
import { withoutSecrets } from "../../src/config/portable.ts";
import { toFileShapes } from "../../src/config/schemas.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

type Bytes = Uint8Array<ArrayBuffer>;
const signal = new AbortController().signal;
const about = { version: "0.0.0", createdAt: "2026-11-22T12:00:00.000Z", leftOut: () => [] };
const toBytes = (text: string) => new TextEncoder().encode(text);

const file = (path: string, content: string): ArchiveFile => ({
  path,
  mode: 0o600,
  size: toBytes(content).length,
  open: () => Promise.resolve(new Blob([content]).stream()),
});

async function* each<T>(items: readonly T[]) {
  yield* items;
}

function newSink() {
  const chunks: Bytes[] = [];
  return {
    sink: new WritableStream<Bytes>({ write: (chunk) => void chunks.push(chunk) }),
    blob: () => new Blob(chunks),
  };
}

async function pack(files: readonly ArchiveFile[]): Promise<Blob> {
  const { sink, blob } = newSink();
  await writeArchive(each(files), about, sink, signal);
  return blob();
}

/** An archive as somebody else could make it. */
async function forge(entries: readonly TarEntry[]): Promise<Blob> {
  const tar = await packTar(entries);
  return await new Response(new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"))).blob();
}

const entry = (name: string, change: Partial<TarEntry["header"]> = {}): TarEntry => ({
  header: { name, size: 1, type: "file", ...change },
  ...(change.size === 0 ? {} : { body: "x" }),
});

const read = async (blob: Blob) => {
  const files = new Map<string, string>();
  await readArchive(blob.stream(), async (path, body) => {
    const parts: string[] = [];
    for await (const chunk of body) parts.push(new TextDecoder().decode(chunk));
    files.set(path, parts.join(""));
  });
  return files;
};

async function listNames(folder: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("an archive gives back what went in, also encrypted, and only to who has the key", async () => {
  const long = `data/${"deep/".repeat(60)}${"n".repeat(90)}.txt`;
  const files = [file("data/a", "one"), file("config/b.yaml", ""), file(long, "long name"), file("data/ü", "two")];
  const { sink, blob } = newSink();
  const [mine, others] = [await generateX25519Identity(), await generateX25519Identity()];
  const seal = { kind: "recipients", recipients: [await identityToRecipient(mine)] } as const;
  const { writable, written } = await sealInto(sink, seal, signal);
  await writeArchive(each(files), about, writable, signal);
  await written;
  const opened = await openSealed(blob().stream(), { kind: "identities", identities: [mine] });
  const found = await read(await new Response(opened).blob());
  assert.deepEqual([...found], [["data/a", "one"], ["config/b.yaml", ""], [long, "long name"], ["data/ü", "two"]]);
  await rejectsWith("denied", openSealed(blob().stream(), { kind: "identities", identities: [others] }));
});

Deno.test("an archive that leads out of its folder, or holds a link, is refused", async () => {
  const hostile: readonly TarEntry[] = [
    entry("../evil"),
    entry("data/../../evil"),
    entry("/etc/passwd"),
    entry("data//evil"),
    entry("data/./evil"),
    entry("data\\..\\evil"),
    entry("elsewhere/evil"),
    entry("data"),
    entry("data/lock/holder.json"),
    entry("data/run.json"),
    entry("data/cache/0.1.0/deno"),
    entry("data/native/vec0.library"),
    entry("data/restoring/plan.json"),
    entry("data/link", { type: "symlink", linkname: "/etc/passwd", size: 0 }),
    entry("data/link", { type: "link", linkname: "../../x", size: 0 }),
    entry("data/pipe", { type: "fifo", size: 0 }),
  ];
  await using folder = await openTempDir();
  for (const one of hostile) {
    const target = { dataDir: `${folder.path}/data`, configDir: `${folder.path}/config`, force: false };
    await Deno.mkdir(target.dataDir, { recursive: true });
    const restoring = restoreData((await forge([one])).stream(), target);
    await rejectsWith("invalid", restoring);
    assert.deepEqual(await listNames(target.dataDir), [], one.header.name);
  }
  assert.deepEqual(await listNames(folder.path), ["data"]);
});

Deno.test("an archive that is cut off or changed anywhere is refused", async () => {
  const whole = await pack([file("data/a", "one".repeat(1_000)), file("data/b", "two".repeat(1_000))]);
  assert.equal((await read(whole)).size, 2);
  for (let part = 1; part < 8; part++) await rejectsWith("invalid", read(whole.slice(0, whole.size * part / 8)));
  await rejectsWith("invalid", read(new Blob(["no archive at all"])));
  await rejectsWith("invalid", read(await forge([entry("data/a")])));
  const manifest = (files: unknown) => ({
    header: { name: "manifest.json", size: toBytes(JSON.stringify(files)).length, type: "file" as const },
    body: JSON.stringify(files),
  });
  const listed = (sha256: string) => ({
    format: 1,
    version: "0",
    createdAt: "now",
    files: [{ path: "data/a", size: 1, sha256, mode: 0o600 }],
    leftOut: [],
  });
  const right = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
  assert.equal((await read(await forge([entry("data/a"), manifest(listed(right))]))).size, 1);
  await rejectsWith("invalid", read(await forge([entry("data/a"), manifest(listed("0".repeat(64)))])));
  await rejectsWith("invalid", read(await forge([manifest(listed(right))])));
  await rejectsWith("invalid", read(await forge([entry("data/a"), entry("data/a"), manifest(listed(right))])));
  await rejectsWith("invalid", read(await forge([entry("data/a"), manifest(listed(right)), entry("data/b")])));
});

Deno.test("a restore that was cut off while it puts things in place goes on where it was", async () => {
  const steps = 5;
  for (let done = 0; done <= steps; done++) {
    await using folder = await openTempDir();
    const data = folder.path;
    const work = `${data}/restoring`;
    for (const path of [`${work}/data/agents`, `${work}/old`, `${data}/agents`, `${data}/lock`]) {
      await Deno.mkdir(path, { recursive: true });
    }
    await Deno.writeTextFile(`${data}/ledger.db`, "old");
    await Deno.writeTextFile(`${data}/agents/a`, "old");
    await Deno.writeTextFile(`${data}/plugins`, "old");
    await Deno.writeTextFile(`${work}/data/ledger.db`, "new");
    await Deno.writeTextFile(`${work}/data/agents/b`, "new");
    const plan = { old: ["agents", "ledger.db", "plugins"], new: ["agents", "ledger.db"] };
    await Deno.writeTextFile(`${work}/plan.json`, JSON.stringify(plan));
    const moves = [
      ...plan.old.map((name) => [`${data}/${name}`, `${work}/old/${name}`] as const),
      ...plan.new.map((name) => [`${work}/data/${name}`, `${data}/${name}`] as const),
    ];
    for (const [from, to] of moves.slice(0, done)) await Deno.rename(from, to);
    await finishRestore(data);
    assert.equal(await Deno.readTextFile(`${data}/ledger.db`), "new");
    assert.deepEqual(await listNames(`${data}/agents`), ["b"]);
    assert.deepEqual(await listNames(data), ["agents", "ledger.db", "lock"]);
  }
});

Deno.test("a restore that was cut off before its archive was checked has changed nothing", async () => {
  await using folder = await openTempDir();
  await Deno.mkdir(`${folder.path}/restoring/data`, { recursive: true });
  await Deno.writeTextFile(`${folder.path}/restoring/data/ledger.db`, "half");
  await Deno.writeTextFile(`${folder.path}/ledger.db`, "old");
  await finishRestore(folder.path);
  assert.deepEqual(await listNames(folder.path), ["ledger.db"]);
  assert.equal(await Deno.readTextFile(`${folder.path}/ledger.db`), "old");
});

Deno.test("a config is given away without its secrets, and says which variables take their place", () => {
  const shape = toFileShapes([]).get("llm.yaml") ?? {};
  const text = `# mine
providers:
  one: { api_key: sk-secret-one, default_model: "m", headers: { x-auth: plum } }
  two:
    api_key: "\${TWO_KEY}"
  three: { api_key: none }
  four: &anchor { api_key: 'quoted "key"' }
unknown: { password: hidden, max_tokens: 5 }
`;
  const { text: portable, secrets } = withoutSecrets(text, shape);
  assert.equal(
    portable,
    `# mine
providers:
  one: { api_key: "\${PROVIDERS_ONE_API_KEY}", default_model: "m", headers: { x-auth: "\${PROVIDERS_ONE_HEADERS_X_AUTH}" } }
  two:
    api_key: "\${TWO_KEY}"
  three: { api_key: none }
  four: &anchor { api_key: "\${PROVIDERS_FOUR_API_KEY}" }
unknown: { password: "\${UNKNOWN_PASSWORD}", max_tokens: 5 }
`,
  );
  assert.deepEqual(secrets, [
    "providers.one.api_key",
    "providers.one.headers.x-auth",
    "providers.four.api_key",
    "unknown.password",
  ]);
});
