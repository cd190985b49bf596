import assert from "node:assert/strict";
import type { WorkspaceEdit } from "../../src/core/workspace.ts";
import { toTextVersion } from "../../src/lib/text_version.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openWorld } from "./world.ts";

const write = (path: string, content: string, why = "because") => ({ path, content, why });

Deno.test("what an agent writes is a commit of its own with why, session and turn, that git itself finds sound", async () => {
  await using world = await openWorld();
  assert.match(
    await world.call("workspace_write", write("MEMORY.md", "Eva likes tea.\n", "Eva said so")),
    /^Written: /,
  );
  assert.equal(
    await world.git("ana", "log", "--format=%an <%ae>%n%B"),
    "ana <ana@agent.invalid>\nEva said so\n\nSession: ana/telegram/sales/7\nTurn: turn-1\nKey: key-1\n\n",
  );
  assert.equal(await world.git("ana", "show", "HEAD:MEMORY.md"), "Eva likes tea.\n");
  assert.equal(await world.git("ana", "status", "--porcelain"), "");
  await world.git("ana", "fsck", "--strict");
  assert.equal(await world.call("workspace_read", { path: "MEMORY.md" }), "Eva likes tea.\n");
  assert.match(await world.call("workspace_list"), /^MEMORY\.md \(15 bytes, /);
});

Deno.test("a file is replaced, added to and deleted, and its history tells of each", async () => {
  await using world = await openWorld();
  const path = "notes/2026-11-22.md";
  await world.call("workspace_write", write(path, "morning", "first"));
  await world.call("workspace_write", { ...write(path, "noon\n", "second"), mode: "append" });
  assert.equal(await world.call("workspace_read", { path }), "morning\nnoon\n");
  assert.match(await world.call("workspace_diff"), /^--- a\/notes[^]*\+noon$/m);
  assert.equal(await world.call("workspace_write", write(path, "morning\nnoon\n")), "Nothing changed");
  await world.call("workspace_write", { path, mode: "delete", why: "third" });
  assert.match(await world.call("workspace_read", { path }), /There is no file/);
  const history = await world.call("workspace_history", { path });
  assert.deepEqual(history.split("\n").map((line) => /ana: (\w+)/.exec(line)?.[1]), ["third", "second", "first"]);
  assert.equal(await world.git("ana", "status", "--porcelain"), "");
});

Deno.test("what a person changed with an editor is a commit of the operator's before the agent's next", async () => {
  await using world = await openWorld();
  await world.call("workspace_write", write("SOUL.md", "kind\n"));
  await world.call("workspace_write", write("old.md", "old\n"));
  const folder = world.folders.get("ana") ?? "";
  await Deno.writeTextFile(`${folder}/SOUL.md`, "kind and stern\n");
  await Deno.writeTextFile(`${folder}/USER.md`, "Eva\n");
  await Deno.remove(`${folder}/old.md`);
  await world.call("workspace_write", write("MEMORY.md", "tea\n", "mine"));
  assert.equal(
    await world.git("ana", "log", "-2", "--format=%an|%s", "--name-status"),
    "ana|mine\n\nA\tMEMORY.md\noperator|Edited by hand: SOUL.md, USER.md, old.md\n\nM\tSOUL.md\nA\tUSER.md\nD\told.md\n",
  );
  assert.equal(await world.git("ana", "status", "--porcelain"), "");
});

Deno.test("files that git knows and the runtime does not stay as they are", async () => {
  await using world = await openWorld();
  await world.call("workspace_write", write("SOUL.md", "kind\n"));
  const folder = world.folders.get("ana") ?? "";
  await Deno.writeTextFile(`${folder}/.gitignore`, "*.log\n");
  await Deno.mkdir(`${folder}/bin`);
  await Deno.writeTextFile(`${folder}/bin/run.sh`, "#!/bin/sh\n", { mode: 0o755 });
  const who = ["-c", "user.name=me", "-c", "user.email=me@x.invalid"];
  await world.git("ana", "add", ".");
  await world.git("ana", ...who, "commit", "-qm", "mine");
  await world.git("ana", "gc", "-q");
  await world.call("workspace_write", write("SOUL.md", "stern\n"));
  assert.equal(
    (await world.git("ana", "ls-tree", "-r", "HEAD")).replaceAll(/ blob \w+\t/g, " "),
    "100644 .gitignore\n100644 SOUL.md\n100755 bin/run.sh\n",
  );
  await world.git("ana", "fsck", "--strict");
});

Deno.test("writes of turns that run at the same time come one after the other, none is lost", async () => {
  await using world = await openWorld();
  await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      world.call("workspace_write", {
        ...write("notes/2026-11-22.md", `line ${number}\n`, `line ${number}`),
        mode: "append",
      })),
  );
  const lines = (await world.call("workspace_read", { path: "notes/2026-11-22.md" })).trim().split("\n");
  assert.equal(new Set(lines).size, 20);
  assert.equal((await world.git("ana", "rev-list", "--count", "HEAD")).trim(), "20");
});

Deno.test("a write that is run again after a crash is not made a second time", async () => {
  await using world = await openWorld();
  const input = { ...write("notes/2026-11-22.md", "once\n"), mode: "append" };
  const first = await world.call("workspace_write", input, { idempotencyKey: "turn-9:3" });
  await world.call("workspace_write", write("SOUL.md", "other"));
  await world.reopen();
  assert.equal(await world.call("workspace_write", input, { idempotencyKey: "turn-9:3" }), first);
  assert.equal(await world.call("workspace_read", { path: "notes/2026-11-22.md" }), "once\n");
});

Deno.test("in a group nothing shows what concerns a person", async () => {
  await using world = await openWorld();
  const files = ["USER.md", "MEMORY.md", "DREAMS.md", "notes/2026-11-22.md"];
  for (const path of files) await world.call("workspace_write", write(path, "Eva, born 1970", `${path} of Eva`));
  await world.call("workspace_write", write("SOUL.md", "kind", "shared"));
  await Deno.writeTextFile(`${world.folders.get("ana")}/USER.md`, "Eva, born 1971");
  const group = { isGroup: true };
  for (const path of [...files, "user.md", "Memory.MD", "ＭＥＭＯＲＹ.md", "NOTES/2026-11-22.md"]) {
    assert.match(await world.call("workspace_read", { path }, group), /not for groups/);
    assert.match(await world.call("workspace_write", write(path, "x"), group), /not for groups/);
    assert.match(await world.call("workspace_diff", { path }, group), /not for groups/);
    assert.match(await world.call("workspace_history", { path }, group), /not for groups/);
  }
  const all = [
    await world.call("workspace_list", {}, group),
    await world.call("workspace_history", {}, group),
    await world.call("workspace_diff", {}, group),
    await world.call(
      "workspace_diff",
      { from: (await world.git("ana", "rev-list", "HEAD")).trim().split("\n").at(-1) },
      group,
    ),
  ].join("\n");
  assert.match(all, /shared/);
  assert.doesNotMatch(all, /USER|MEMORY|DREAMS|notes|Eva|197/);
});

Deno.test("a secret is refused with its line, and comes into no commit", async () => {
  await using world = await openWorld();
  world.secrets.push("correct horse battery");
  const samples = [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    `AKIA${"A1B2".repeat(4)}`,
    `ghp_${"a1B2".repeat(9)}`,
    `sk-ant-api03-${"a1B2".repeat(9)}`,
    `123456789:${"a1B2c".repeat(7)}`,
    `xoxb-1234567890-${"abc".repeat(5)}`,
    "postgres://eva:hunter22@db.example.org/x",
    `api_key: "${"a1B2".repeat(6)}"`,
    "correct horse battery",
  ];
  for (const sample of samples) {
    const answer = await world.call("workspace_write", write("MEMORY.md", `one\ntwo\n${sample}\n`));
    assert.match(answer, /Nothing was written: MEMORY\.md, line 3, looks like/, sample);
    assert.ok(!answer.includes(sample));
  }
  assert.match(await world.call("workspace_write", write("a.md", "x", `the key is ghp_${"a1B2".repeat(9)}`)), /why/);
  assert.equal(await world.call("workspace_list"), "Your workspace is empty");
  assert.equal(
    world.metrics.valueOf("nexo_refusals_total", { part: "workspace", reason: "secret" }),
    samples.length + 1,
  );
});

Deno.test("a secret that a person typed stays out of the history and is named; nothing is lost over it", async () => {
  await using world = await openWorld();
  await world.call("workspace_write", write("USER.md", "Eva\n"));
  const file = `${world.folders.get("ana")}/USER.md`;
  const text = `Eva\nher token: ghp_${"a1B2".repeat(9)}\n`;
  await Deno.writeTextFile(file, text);
  assert.match(await world.call("workspace_write", write("SOUL.md", "kind")), /^Written/);
  assert.match(
    await world.call("workspace_write", write("USER.md", "Eva!")),
    /Nothing was written.*USER\.md line 2 looks like/,
  );
  assert.equal(await Deno.readTextFile(file), text);
  assert.deepEqual((await world.workspaces.of("ana").troubles()).map(({ path }) => path), ["USER.md"]);
  assert.equal(await world.git("ana", "log", "--all", "-S", "ghp_", "--format=%h"), "");
  await Deno.writeTextFile(file, "Eva!\n");
  assert.deepEqual(await world.workspaces.of("ana").troubles(), []);
  assert.equal(await world.git("ana", "show", "HEAD:USER.md"), "Eva!\n");
});

Deno.test("a file that grew too large stays out of the history, which keeps what it had", async () => {
  await using world = await openWorld();
  await world.call("workspace_write", write("big.md", "small\n"));
  await Deno.writeTextFile(`${world.folders.get("ana")}/big.md`, "x".repeat(300_000));
  assert.deepEqual((await world.workspaces.of("ana").troubles()).map(({ path }) => path), ["big.md"]);
  assert.equal(await world.git("ana", "show", "HEAD:big.md"), "small\n");
  assert.match(await world.call("workspace_write", write("a.md", "é".repeat(140_000))), /280000 bytes/);
});

Deno.test("one commit is undone by a new one, and what was changed since stays", async () => {
  await using world = await openWorld();
  const ana = world.workspaces.of("ana");
  const lines = (change: Record<number, string> = {}) =>
    Array.from({ length: 30 }, (_, number) => change[number] ?? `line ${number}`).join("\n") + "\n";
  const reason = { author: "ana", why: "work" };
  const change = (text: string) => ana.change([{ path: "MEMORY.md", kind: "replace", text }], reason, "operator");
  await change(lines());
  const wrong = await change(lines({ 2: "wrong" }));
  await change(lines({ 2: "wrong", 25: "right" }));
  const undone = await ana.revert(wrong?.id ?? "", "operator");
  assert.equal(undone.author, "operator");
  assert.equal(undone.why, `Undo ${wrong?.id.slice(0, 8)}: work`);
  assert.equal(await ana.read("MEMORY.md", "operator"), lines({ 25: "right" }));
  await change(lines({ 2: "other" }));
  const error = await rejectsWith("conflict", ana.revert(wrong?.id ?? "", "operator"));
  assert.match(error.message, /MEMORY\.md was changed since/);
  const made = await ana.change([{ path: "new.md", kind: "replace", text: "new" }], reason, "operator");
  await ana.revert(made?.id ?? "", "operator");
  await rejectsWith("missing", ana.read("new.md", "operator"));
  assert.equal(await world.git("ana", "status", "--porcelain"), "");
});

Deno.test("commits that do not exist are told apart from paths", async () => {
  await using world = await openWorld();
  await world.call("workspace_write", write("a.md", "a"));
  for (const id of ["0".repeat(40), "abcd", "../../../bob/workspace/.git/HEAD", "HEAD", "main", ""]) {
    await rejectsWith("missing", world.workspaces.of("ana").diff({ to: id }, "operator"));
    await rejectsWith("missing", world.workspaces.of("ana").revert(id, "operator"));
  }
});

Deno.test("an agent that came later is served too", async () => {
  await using world = await openWorld();
  await world.call("workspace_write", write("a.md", "a"));
  world.folders.set("eva", `${world.dir}/eva`);
  assert.match(await world.call("workspace_write", write("a.md", "eva"), { agent: "eva" }), /^Written/);
  assert.equal(await world.call("workspace_read", { path: "a.md" }), "a");
  assert.match(await world.call("workspace_list", {}, { agent: "nobody" }), /There is no agent nobody/);
});

Deno.test("a data folder may lie behind a link", async () => {
  await using world = await openWorld();
  await Deno.mkdir(`${world.dir}/disk/workspace`, { recursive: true });
  await Deno.symlink(`${world.dir}/disk`, `${world.dir}/ana`);
  assert.match(await world.call("workspace_write", write("a.md", "a")), /^Written/);
  assert.equal(await Deno.readTextFile(`${world.dir}/disk/workspace/a.md`), "a");
});

Deno.test("what was written for somebody is taken out, and no earlier text can be had; the rest stays", async () => {
  await using world = await openWorld();
  const ana = world.workspaces.of("ana");
  const say = (sessionId: string, path: string, text: string) =>
    ana.change([{ path, kind: "append", text }], { author: "ana", why: "noted", sessionId }, "private");
  const [eva, bob] = ["ana/telegram/main/eva", "ana/telegram/main/bob"];
  await say(bob, "MEMORY.md", "# People\nBob plays chess.\n");
  await say(eva, "MEMORY.md", "# People\nEva likes quokkas.\n");
  await say(eva, "notes/2026-11-22.md", "Eva came by.\n");
  await ana.change([{ path: "MEMORY.md", kind: "append", text: "- Quokkas are Eva's favourite.\n" }], {
    author: "ana",
    why: "dreamt",
  }, "private");
  const changed = await ana.forget({ sessions: [eva], texts: ["Quokkas are Eva's favourite."] });
  assert.deepEqual([...changed].sort(), ["MEMORY.md", "notes/2026-11-22.md"]);
  assert.equal(await ana.read("MEMORY.md", "operator"), "# People\nBob plays chess.\n# People\n");
  await rejectsWith("missing", ana.read("notes/2026-11-22.md", "operator"));
  const history = await ana.history({ limit: 10 }, "operator");
  assert.equal(history.length, 1);
  assert.doesNotMatch(await world.git("ana", "log", "--all", "-p"), /quokka|Eva/i);
  await world.git("ana", "fsck", "--strict");
  assert.deepEqual(await ana.forget({ sessions: [eva], texts: [] }), []);
});

Deno.test("nobody is forgotten in a workspace that was never used, and none is begun for it", async () => {
  await using world = await openWorld();
  assert.deepEqual(await world.workspaces.of("ana").forget({ sessions: ["ana/api/ana/x"], texts: ["x"] }), []);
  await assert.rejects(world.git("ana", "log"));
});

Deno.test("an edit that was made from another text than what stands there is refused, and nothing is lost", async () => {
  await using world = await openWorld();
  const workspace = world.workspaces.of("ana");
  const change = (edit: WorkspaceEdit) => workspace.change([edit], { author: "operator", why: "By hand" }, "operator");
  const refuse = async (edit: WorkspaceEdit) => {
    assert.equal((await rejectsWith("conflict", change(edit))).reason, "edited_meanwhile");
  };
  await change({ path: "SOUL.md", kind: "replace", text: "Kind\n", base: "" });
  const base = await toTextVersion("Kind\n");
  await refuse({ path: "SOUL.md", kind: "replace", text: "Stern\n", base: "" });
  await world.call("workspace_write", { path: "SOUL.md", content: "Patient\n", why: "I am" });
  await refuse({ path: "SOUL.md", kind: "replace", text: "Stern\n", base });
  await refuse({ path: "SOUL.md", kind: "delete", base });
  await refuse({ path: "gone.md", kind: "replace", text: "x", base });
  assert.equal(await workspace.read("SOUL.md", "operator"), "Patient\n");
  const made = await change({
    path: "SOUL.md",
    kind: "replace",
    text: "Stern\n",
    base: await toTextVersion("Patient\n"),
  });
  assert.equal(made?.author, "operator");
});

Deno.test("a workspace that would hold the config or the data folder is none", async () => {
  await using world = await openWorld();
  await Deno.mkdir(`${world.dir}/data`);
  await Deno.writeTextFile(`${world.dir}/data/admin.token`, "the-root-token");
  await Deno.symlink(world.dir, `${world.dir}/link`);
  for (const folder of [world.dir, `${world.dir}/data`, `${world.dir}/link`, `${world.dir}/link/data`, "/"]) {
    world.folders.set("ana", folder);
    const answer = await world.call("workspace_read", { path: "admin.token" });
    assert.match(answer, /holds the config or the data folder/, folder);
    assert.match(await world.call("workspace_list"), /holds the config or the data folder/, folder);
  }
  world.folders.set("ana", `${world.dir}/data/agents/ana/workspace`);
  assert.doesNotMatch(await world.call("workspace_list"), /holds the config/);
});
