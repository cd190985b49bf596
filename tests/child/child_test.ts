import assert from "node:assert/strict";
import { toLaunch } from "../../src/child/launch.ts";
import { defaultChildLimits } from "../../src/child/spec.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { bareSystem, openChildFolder, readAll, startChild, toShellSpec } from "./children.ts";

Deno.test("a child answers lines with lines and ends when its input does", async () => {
  await using folder = await openChildFolder();
  const child = await startChild(toShellSpec(folder.path, 'while read line; do echo "got $line"; done'));
  await child.write("one");
  await child.write("two");
  const lines = child.lines[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "got one");
  assert.equal((await lines.next()).value, "got two");
  await child[Symbol.asyncDispose]();
  assert.equal((await child.ended).reason, "stopped");
});

Deno.test("a program under bubblewrap sees no accounts, no home, no other process and no network", async () => {
  await using folder = await openChildFolder();
  const script = `
    cat /etc/passwd /etc/shadow; ls /root /home "$HOME/.ssh"; ls ${folder.path}; touch /usr/x ${folder.path}/code/x
    echo "processes $(ls -d /proc/[0-9]* | wc -l)"; echo "interfaces $(tail -n +3 /proc/net/dev | wc -l)"
    touch mine && echo "own folder"; touch /tmp/x && echo "own /tmp"`;
  await using child = await startChild(toShellSpec(folder.path, script));
  const lines = await readAll(child);
  assert.equal(child.confinement.kind, "bubblewrap");
  assert.deepEqual(lines.filter((line) => !line.startsWith("processes")), [
    "code",
    "state",
    "interfaces 1",
    "own folder",
    "own /tmp",
  ]);
  const processes = Number(lines.find((line) => line.startsWith("processes"))?.split(" ")[1]);
  assert.ok(processes < 8, `it saw ${processes} processes`);
});

Deno.test("a child's environment holds what it was given and nothing of ours", async () => {
  await using folder = await openChildFolder();
  Deno.env.set("NEXO_TEST_SECRET", "swordfish");
  try {
    await using child = await startChild(toShellSpec(folder.path, "env", { env: { CITY: "Lima" } }));
    const names = (await readAll(child)).map((line) => line.split("=")[0]).filter((name) => name !== "_").sort();
    assert.deepEqual(names, [
      "CITY",
      "DENO_NO_UPDATE_CHECK",
      "HOME",
      "LANG",
      "NO_COLOR",
      "PATH",
      "PWD",
      "TMPDIR",
    ]);
  } finally {
    Deno.env.delete("NEXO_TEST_SECRET");
  }
});

Deno.test("a Deno child has exactly the permissions that were declared", async () => {
  await using folder = await openChildFolder();
  await Deno.writeTextFile(
    `${folder.path}/code/main.ts`,
    `import { answer } from "helper";
    const tries: [string, () => unknown][] = [
      ["passwd", () => Deno.readTextFileSync("/etc/passwd")],
      ["code", () => Deno.readTextFileSync(import.meta.filename!)],
      ["state", () => Deno.writeTextFileSync("x", "x")],
      ["write code", () => Deno.writeTextFileSync(import.meta.filename!, "x")],
      ["PATH", () => Deno.env.get("PATH")],
      ["CITY", () => Deno.env.get("CITY")],
      ["run", () => new Deno.Command("id").outputSync()],
      ["other host", () => Deno.connectTls({ hostname: "example.org", port: 443 })],
    ];
    console.log("answer", answer);
    for (const [name, act] of tries) {
      try { await act(); console.log(name, "allowed"); } catch (error) { console.log(name, error.name); }
    }
    await import("npm:left-pad").catch(() => console.log("no packages"));`,
  );
  await Deno.writeTextFile(`${folder.path}/code/helper.ts`, "export const answer = 42;");
  await using child = await startChild(toShellSpec(folder.path, "", {
    program: {
      kind: "deno",
      entry: `${folder.path}/code/main.ts`,
      args: [],
      imports: { helper: `file://${folder.path}/code/helper.ts` },
    },
    env: { CITY: "Lima" },
    permissions: { net: ["127.0.0.1:1"], read: [], write: [], env: ["CITY"], run: [] },
  }));
  assert.deepEqual(await readAll(child), [
    "answer 42",
    "passwd NotCapable",
    "code allowed",
    "state allowed",
    "write code NotCapable",
    "PATH NotCapable",
    "CITY allowed",
    "run NotCapable",
    "other host NotCapable",
    "no packages",
  ]);
  assert.equal(child.confinement.kind, "deno");
});

Deno.test("a machine without bubblewrap says that nothing confines a program", async () => {
  await using folder = await openChildFolder();
  await using child = await startChild(toShellSpec(folder.path, "echo here"), bareSystem);
  assert.deepEqual(await readAll(child), ["here"]);
  assert.deepEqual(child.confinement, { kind: "unconfined", reason: "bubblewrap is not installed" });
});

Deno.test("a Deno child that may start programs is put behind bubblewrap too", async () => {
  await using folder = await openChildFolder();
  await Deno.writeTextFile(
    `${folder.path}/code/main.ts`,
    `new Deno.Command("ls", { args: ["${folder.path}", "/root"], stdout: "inherit" }).outputSync();`,
  );
  const spec = toShellSpec(folder.path, "", {
    program: { kind: "deno", entry: `${folder.path}/code/main.ts`, args: [], imports: {} },
    permissions: { net: [], read: [], write: [], env: [], run: ["ls"] },
  });
  await using child = await startChild(spec);
  assert.equal(child.confinement.kind, "bubblewrap");
  assert.deepEqual(await readAll(child), [`${folder.path}:`, "code", "state", "state.deno"]);
  assert.equal((await toLaunch(spec, bareSystem, 1)).confinement.kind, "unconfined");
});

Deno.test("a line of more than a megabyte ends the child with that reason", async () => {
  await using folder = await openChildFolder();
  await using child = await startChild(
    toShellSpec(folder.path, "head -c 100000000 /dev/zero | tr '\\0' x; echo; sleep 60"),
  );
  assert.deepEqual(await readAll(child), []);
  const { reason, message } = await child.ended;
  assert.equal(reason, "line_too_long");
  assert.match(message, /1048576 bytes/);
});

Deno.test("a child that floods waits until its lines are read", async () => {
  await using folder = await openChildFolder();
  await using child = await startChild(toShellSpec(folder.path, "yes flood"));
  let seen = 0;
  for await (const line of child.lines) {
    assert.equal(line, "flood");
    if (++seen === 10_000) break;
  }
});

Deno.test("a child that eats memory, processor time or processes meets its limit", async () => {
  await using folder = await openChildFolder();
  const limits = { ...defaultChildLimits, memoryBytes: 200_000_000, cpuSeconds: 1, processes: 20 };
  const run = async (script: string) => {
    await using child = await startChild(toShellSpec(folder.path, script, { limits }));
    const lines = await readAll(child);
    return { lines, end: await child.ended };
  };
  const eater = await run("exec python3 -c 'x = bytearray(400_000_000); print(\"ate\")'");
  assert.deepEqual(eater.lines, []);
  assert.match(eater.end.message, /MemoryError/);
  const spinner = await run("while :; do :; done");
  assert.match(spinner.end.message, /SIGXCPU|SIGKILL/);
  const forker = await run("for i in $(seq 40); do sleep 30 & done; echo 'all forked'");
  assert.deepEqual(forker.lines, []);
  assert.match(forker.end.message, /fork/);
});

Deno.test("a child that ignores SIGTERM is killed, with what it has started", async () => {
  await using folder = await openChildFolder();
  const rest = newRest();
  for (const system of [undefined, bareSystem]) {
    const clock = newFakeClock();
    const script = `trap '' TERM; ${rest} & echo $!; while :; do sleep 1; done`;
    const child = await startChild(toShellSpec(folder.path, script), system, clock);
    const first = await child.lines[Symbol.asyncIterator]().next();
    assert.match(String(first.value), /^\d+$/);
    const gone = child[Symbol.asyncDispose]();
    await clock.advance(60_000);
    await gone;
    await untilNone(rest);
  }
});

Deno.test("what a child says last on standard error is in its reason, without secrets", async () => {
  await using folder = await openChildFolder();
  const script = 'echo "cannot log in with $KEY" >&2; exit 3';
  await using child = await startChild(toShellSpec(folder.path, script, { env: { KEY: "swordfish-7" } }));
  assert.deepEqual(await child.ended, {
    reason: "exited",
    message: "It ended with code 3. It said: cannot log in with [redacted]",
  });
});

Deno.test("no child outlives a host that was killed", async () => {
  await using folder = await openChildFolder();
  const rest = newRest();
  const host = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", new URL("doomed_host.ts", import.meta.url).pathname, folder.path, rest],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const text of host.stdout.pipeThrough(new TextDecoderStream())) {
    if (text.includes("both are up")) break;
  }
  for (const patience = AbortSignal.timeout(60_000); await countProcesses(rest) < 2;) patience.throwIfAborted();
  host.kill("SIGKILL");
  await host.status;
  await untilNone(rest);
});

/** A long sleep that no other run of the tests on this machine sleeps. */
function newRest(): string {
  return `sleep ${1_000 + Math.floor(Math.random() * 1_000_000)}`;
}

/** What was killed is gone when the kernel has had the time for it. */
async function untilNone(words: string): Promise<void> {
  for (const patience = AbortSignal.timeout(60_000); await countProcesses(words) > 0;) patience.throwIfAborted();
}

async function countProcesses(words: string): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "stat=,args="] }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.filter((line) => line.endsWith(words) && !line.startsWith("Z")).length;
}

Deno.test("where a program could get no /proc of its own, bubblewrap counts as not allowed", async () => {
  // As in a container, or in a service whose walls cover a part of /proc.
  const covered = ["--dev-bind", "/", "/", "--ro-bind", "/proc/sys/kernel/hostname", "/proc/sys/kernel/hostname"];
  const code = `import { findChildSystem } from "${new URL("../../src/child/system.ts", import.meta.url)}";
    console.log(JSON.stringify((await findChildSystem()).bubblewrap));`;
  const { stdout, stderr } = await new Deno.Command("bwrap", {
    args: ["--unshare-user", "--uid", "1000", ...covered, Deno.execPath(), "eval", code],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert.match(decoder.decode(stdout), /"missing":"bubblewrap is not allowed to work here/, decoder.decode(stderr));
});
