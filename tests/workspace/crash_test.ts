import assert from "node:assert/strict";
import { openStore } from "../../src/workspace/store.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";

async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("git", { args: ["-C", folder, ...args] }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Lets a child write until it has written `count` times and some milliseconds more, and kills it. Gives the last number. */
async function writeAndKill(folder: string, first: number, count: number, moreMs: number): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", new URL("write_for_ever.ts", import.meta.url).pathname, folder, `${first}`],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const reader = child.stdout.getReader();
  while (text.split("\n").length <= count) {
    const { value, done } = await reader.read();
    assert.ok(!done, "the child ended by itself");
    text += new TextDecoder().decode(value);
  }
  const untilMs = performance.now() + moreMs;
  while (performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve));
  child.kill("SIGKILL");
  await child.status;
  while (true) {
    const { value, done } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  return Number(text.trim().split("\n").at(-1));
}

Deno.test("a process killed in the middle of commits leaves whole ones, and files as the newest has them", async () => {
  await using dir = await openTempDir();
  const folder = `${dir.path}/workspace`;
  let next = 0;
  for (let round = 0; round < 8; round++) {
    const done = await writeAndKill(folder, next, 2, 3 + round * 5);
    const store = await openStore({ folder, now: Date.now, secrets: () => [] });
    assert.deepEqual(await store.troubles(), []);
    const [newest] = await store.history({ limit: 1 }, "operator");
    const number = Number(newest?.why.replace("number ", ""));
    assert.ok(number === done || number === done + 1, `${number} after ${done} were told`);
    for (const path of ["MEMORY.md", "notes/2026-11-22.md"]) {
      assert.equal(await store.read(path, "operator"), `${number}\n`.repeat(200));
    }
    await git(folder, "fsck", "--strict");
    assert.equal(await git(folder, "status", "--porcelain"), "");
    assert.equal(await git(folder, "log", "--format=%an", "--author=operator"), "", "nothing passes for handwork");
    next = number + 1;
  }
  assert.equal(Number(await git(folder, "rev-list", "--count", "HEAD")), next);
  const left = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).toSorted();
  assert.deepEqual(left, [".git", "MEMORY.md", "notes"]);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/.git/nexo-drafts`)), []);
});

Deno.test("a commit that had happened when the process died is carried through, but not over a person's work", async () => {
  await using dir = await openTempDir();
  const folder = `${dir.path}/workspace`;
  const open = () => openStore({ folder, now: Date.now, secrets: () => [] });
  const reason = { author: "ana", why: "work" };
  const store = await open();
  await store.change(
    [{ path: "a.md", kind: "replace", text: "old" }, { path: "b.md", kind: "replace", text: "old" }],
    reason,
    "operator",
  );
  const commit = await store.change(
    [{ path: "a.md", kind: "replace", text: "new" }, { path: "b.md", kind: "replace", text: "new" }],
    reason,
    "operator",
  );
  // As it stands right after the publishing: the history is ahead of the files.
  await Deno.writeTextFile(`${folder}/.git/nexo-pending`, commit?.id ?? "");
  await Deno.writeTextFile(`${folder}/a.md`, "old");
  await Deno.writeTextFile(`${folder}/b.md`, "by hand");
  const again = await open();
  const [newest] = await again.history({ limit: 1 }, "operator");
  assert.deepEqual([newest?.author, newest?.files], ["operator", ["b.md"]]);
  assert.equal(await again.read("a.md", "operator"), "new");
  assert.equal(await again.read("b.md", "operator"), "by hand");
});

Deno.test("a repository of which only the beginning was made is finished, a link in its place refused", async () => {
  await using dir = await openTempDir();
  const folder = `${dir.path}/workspace`;
  await Deno.mkdir(`${folder}/.git`, { recursive: true });
  await Deno.writeTextFile(`${folder}/.git/config`, "[core]\n\trepositoryformatversion = 0\n");
  const reason = { author: "ana", why: "work" };
  const store = await openStore({ folder, now: Date.now, secrets: () => [] });
  await store.change([{ path: "a.md", kind: "replace", text: "a" }], reason, "operator");
  await git(folder, "fsck", "--strict");
  const other = `${dir.path}/other`;
  await Deno.mkdir(other);
  await Deno.symlink(`${folder}/.git`, `${other}/.git`);
  const thief = await openStore({ folder: other, now: Date.now, secrets: () => [] });
  await assert.rejects(thief.history({ limit: 1 }, "operator"), /it is a link/);
});
