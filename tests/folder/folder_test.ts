import assert from "node:assert/strict";
import { clearDrafts, type Folder, openFolder } from "../../src/folder/folder.ts";
import { toInnerPath } from "../../src/folder/path.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

interface World extends AsyncDisposable {
  readonly folder: Folder;
  /** The folder, beside which lies `outside/secret.md`. */
  readonly dir: string;
  readonly outside: string;
}

async function openWorld(): Promise<World> {
  const top = await Deno.realPath(await Deno.makeTempDir());
  const dir = `${top}/inside`;
  const outside = `${top}/outside`;
  await Deno.mkdir(dir);
  await Deno.mkdir(outside);
  await Deno.writeTextFile(`${outside}/secret.md`, "secret");
  return {
    folder: await openFolder(dir),
    dir,
    outside,
    [Symbol.asyncDispose]: () => Deno.remove(top, { recursive: true }),
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = async (folder: Folder, path: string) => {
  const content = await folder.read(path, 1_000);
  return content === undefined ? undefined : new TextDecoder().decode(content);
};

const namesIn = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

Deno.test("a folder gives back what was written, and nothing for what is not there", async () => {
  await using world = await openWorld();
  await world.folder.write("notes/2026-11-22.md", bytes("one"));
  await world.folder.write("notes/2026-11-22.md", bytes("two"));
  assert.equal(await textOf(world.folder, "notes/2026-11-22.md"), "two");
  assert.equal(await textOf(world.folder, "notes/other.md"), undefined);
  await rejectsWith("invalid", world.folder.read("notes/2026-11-22.md/inner.md", 1_000));
  await rejectsWith("invalid", world.folder.write("notes", bytes("a file in the place of a folder")));
  const { files } = await world.folder.list(10);
  assert.deepEqual(files.map(({ path, sizeBytes }) => [path, sizeBytes]), [["notes/2026-11-22.md", 3]]);
  await world.folder.remove("notes/2026-11-22.md");
  await world.folder.remove("notes/2026-11-22.md");
  assert.equal(await textOf(world.folder, "notes/2026-11-22.md"), undefined);
});

Deno.test("no spelling of a path leads out of a folder", async () => {
  await using world = await openWorld();
  const paths = [
    "../outside/secret.md",
    "notes/../../outside/secret.md",
    `${world.outside}/secret.md`,
    "/etc/passwd",
    "./../outside/secret.md",
    "..",
    ".",
    "",
    ".git/config",
    "notes/.git/config",
    "..\\outside\\secret.md",
    "C:\\secret.md",
    "notes//secret.md",
    "secret.md\0.txt",
    "secret.md\n",
    "\u202Esecret.md",
    "a/".repeat(9) + "b",
    "x".repeat(61),
    "git. ",
    "．．/outside/secret.md".replace("．．", ".."),
  ];
  for (const path of paths) {
    for (
      const work of [world.folder.read(path, 1_000), world.folder.write(path, bytes("x")), world.folder.remove(path)]
    ) {
      const error = await rejectsWith("denied", work);
      assert.equal(error.reason, "path", path);
    }
  }
  assert.equal(await Deno.readTextFile(`${world.outside}/secret.md`), "secret");
});

Deno.test("a path has one form, and full-width dots are only letters", async () => {
  assert.equal(toInnerPath("cafe\u0301.md"), "caf\u00e9.md");
  await using world = await openWorld();
  assert.equal(await textOf(world.folder, "．．/outside/secret.md"), undefined);
});

Deno.test("links of either kind are not followed, wherever they stand", async () => {
  await using world = await openWorld();
  const { dir, outside, folder } = world;
  await Deno.symlink(`${outside}/secret.md`, `${dir}/soft.md`);
  await Deno.symlink("../outside/secret.md", `${dir}/relative.md`);
  await Deno.symlink(outside, `${dir}/notes`);
  await Deno.symlink(`${outside}/new.md`, `${dir}/dangling.md`);
  await Deno.link(`${outside}/secret.md`, `${dir}/hard.md`);
  await folder.write("own.md", bytes("own"));
  await Deno.symlink("own.md", `${dir}/alias.md`);
  for (const path of ["soft.md", "relative.md", "notes/secret.md", "dangling.md", "hard.md", "alias.md"]) {
    for (
      const work of [() => folder.read(path, 1_000), () => folder.write(path, bytes("x")), () => folder.remove(path)]
    ) {
      const error = await rejectsWith("denied", work());
      assert.equal(error.reason, "link", path);
    }
  }
  for (const work of [folder.write, folder.probe, (path: string) => folder.read(path, 1_000)]) {
    await rejectsWith("denied", work("notes/new.md", bytes("x")));
    await rejectsWith("denied", work("notes/deeper/new.md", bytes("x")));
  }
  assert.deepEqual(await namesIn(outside), ["secret.md"]);
  assert.equal(await Deno.readTextFile(`${outside}/secret.md`), "secret");
  const { files, strange } = await folder.list(100);
  assert.deepEqual(files.map(({ path }) => path), ["own.md"]);
  assert.deepEqual(strange.toSorted(), ["alias.md", "dangling.md", "hard.md", "notes", "relative.md", "soft.md"]);
});

Deno.test("a folder that is exchanged for a link again and again never gives what lies behind it", async () => {
  await using world = await openWorld();
  const { dir, outside, folder } = world;
  let stop = false;
  const ignore = () => undefined; // the folder's own writes make it anew meanwhile
  const exchange = (async () => {
    while (!stop) {
      await Deno.remove(`${dir}/real`, { recursive: true }).catch(ignore);
      await Deno.symlink(outside, `${dir}/real`).catch(ignore);
      await Deno.remove(`${dir}/real`, { recursive: true }).catch(ignore);
      await Deno.mkdir(`${dir}/real`).catch(ignore);
      await Deno.writeTextFile(`${dir}/real/mine.md`, "mine").catch(ignore);
    }
  })();
  for (let round = 0; round < 300; round++) {
    const text = await textOf(folder, "real/secret.md").catch(() => undefined);
    assert.notEqual(text, "secret");
    await folder.write("real/new.md", bytes("x")).catch(() => undefined);
    assert.deepEqual(
      (await namesIn(outside)).filter((name) => !name.startsWith(".nexo")),
      [
        "secret.md",
      ],
    );
  }
  stop = true;
  await exchange;
});

Deno.test("a file that is too large is refused before it is read", async () => {
  await using world = await openWorld();
  await world.folder.write("large.md", bytes("x".repeat(2_000)));
  const error = await rejectsWith("invalid", world.folder.read("large.md", 1_000));
  assert.equal(error.reason, "too_large");
});

Deno.test("what a killed write left behind is cleared away, and nothing else", async () => {
  await using world = await openWorld();
  const { dir } = world;
  await world.folder.write("notes/a.md", bytes("a"));
  await Deno.writeTextFile(`${dir}/notes/.nexo-${crypto.randomUUID()}.tmp`, "half");
  await Deno.writeTextFile(`${dir}/.nexo-mine.tmp`, "kept");
  await clearDrafts(dir);
  assert.deepEqual(await namesIn(`${dir}/notes`), ["a.md"]);
  assert.deepEqual((await namesIn(dir)).toSorted(), [".nexo-mine.tmp", "notes"]);
});
