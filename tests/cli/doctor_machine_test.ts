import assert from "node:assert/strict";
import type { Check } from "../../src/app/doctor.ts";
import { newVersionCheck } from "../../src/app/doctor_data.ts";
import { newMemoryCheck } from "../../src/app/doctor_limits.ts";
import { newDiskCheck, newWallCheck } from "../../src/app/doctor_machine.ts";
import type { Config } from "../../src/config/config.ts";
import { version } from "../../src/core/version.ts";
import { inheritedEnv, startFlags, writeConfig } from "../fixtures/nexo_process.ts";
import { openSetupRoom, type SetupRoom } from "../setup/setting_up.ts";

const freePorts = {
  AGENT_HEALTH_ADDR: "127.0.0.1:0",
  AGENT_METRICS_ADDR: "127.0.0.1:0",
  AGENT_ADMIN_ADDR: "127.0.0.1:0",
};

async function openRoom(env: Readonly<Record<string, string>> = {}): Promise<SetupRoom> {
  const room = await openSetupRoom({ ...freePorts, ...env });
  assert.equal((await room.setup("memory", "--embedder", "embedded")).code, 0);
  await Deno.chmod(room.data, 0o700);
  return room;
}

/** The doctor behind a shell that has changed its own limits or loaded something. */
async function examineIn(room: SetupRoom, shell: string): Promise<{ readonly code: number; readonly stdout: string }> {
  const program = [Deno.execPath(), ...await startFlags(), new URL("../../main.ts", import.meta.url).pathname];
  const { code, stdout } = await new Deno.Command("sh", {
    args: ["-c", `${shell} exec "$@"`, "sh", ...program, "doctor"],
    clearEnv: true,
    env: { ...inheritedEnv(), ...freePorts, AGENT_CONFIG: room.config, AGENT_DATA: room.data, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

async function only(check: Check) {
  const [finding, ...others] = await check.look();
  assert.equal(others.length, 0);
  assert.ok(finding);
  assert.ok(finding.why.length > 20);
  return finding;
}

Deno.test("too few open files are wrong, with the command that allows more", async () => {
  await using room = await openRoom();
  const { code, stdout } = await examineIn(room, "ulimit -n 500;");
  assert.equal(code, 1, stdout);
  assert.match(stdout, /wrong {2}open files: A process may have 500 files[^]*Mend it: ulimit -n 65536/);
  assert.doesNotMatch((await examineIn(room, "ulimit -n 4096;")).stdout, /open files:/);
});

Deno.test("a clock that is behind the disk's is wrong", async () => {
  await using room = await openRoom();
  const { stdout: library } = await new Deno.Command("faketime", { args: ["-f", "+0s", "printenv", "LD_PRELOAD"] })
    .output();
  const preload = new TextDecoder().decode(library).trim();
  const { code, stdout } = await examineIn(
    room,
    `export LD_PRELOAD='${preload}' FAKETIME=-1h FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1;`,
  );
  assert.equal(code, 1, stdout);
  assert.match(stdout, /clock: The clock is 3\d{3} s behind the disk's[^]*Mend it: timedatectl/);
});

Deno.test("a full disk, little memory and another release are told", async () => {
  const disk = await only(newDiskCheck("/nowhere", () => Promise.resolve(200_000_000)));
  assert.deepEqual([disk.what, disk.mend], ["0.2 GB are free where /nowhere is", "du -sh /nowhere/* | sort -h"]);
  assert.deepEqual(await newDiskCheck("/nowhere", () => Promise.resolve(2e9)).look(), []);

  const memory = await only(newMemoryCheck(() => Promise.resolve("MemFree: 1 kB\nMemAvailable:   100000 kB\n")));
  assert.equal(memory.what, "102 MB of memory are free");
  for (const text of ["MemAvailable:   900000 kB\n", "", undefined]) {
    assert.deepEqual(await newMemoryCheck(() => Promise.resolve(text)).look(), []);
  }

  const old = await only(newVersionCheck({ pid: 7, version: "0.0.1" }));
  assert.match(old.what, /Process 7 is version 0\.0\.1/);
  assert.deepEqual(await newVersionCheck({ pid: 7, version }).look(), []);
});

Deno.test("walls that are not allowed are told of only where somebody would stand behind them", async () => {
  const places = { installedDir: "/nowhere", searchPaths: [], variable: () => undefined };
  const findSystem = () =>
    Promise.resolve({
      shell: undefined,
      setpriv: undefined,
      prlimit: undefined,
      bubblewrap: { missing: "bubblewrap is not allowed to work here (no namespaces)" },
    });
  const toConfig = (servers: object) => ({ extensions: { enabled: false }, mcp: { servers } }) as unknown as Config; // eraser: what the check reads
  const finding = await only(newWallCheck(toConfig({ files: { command: "x" } }), places, findSystem));
  assert.match(finding.what, /no namespaces/);
  assert.match(
    finding.mend,
    /unprivileged_userns_clone=1[^]*seccomp=unconfined[^]*systempaths=unconfined|apt-get install bubblewrap/,
  );
  assert.deepEqual(await newWallCheck(toConfig({}), places, findSystem).look(), []);
});

Deno.test("MCP servers whose program is missing or whose address does not answer are wrong", async () => {
  await using there = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: 405 }),
  );
  await using room = await openRoom();
  await writeConfig(room.config, {
    "mcp.yaml": {
      servers: {
        files: { command: "no-such-program" },
        off: { command: "no-such-program", enabled: false },
        shell: { command: "sh" },
        away: { url: "http://127.0.0.1:1/mcp" },
        here: { url: `http://127.0.0.1:${there.addr.port}/mcp` },
      },
    },
  });
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 1, stdout);
  assert.match(stdout, /MCP: files: there is no program no-such-program[^]*Mend it: command -v no-such-program/);
  assert.doesNotMatch(stdout, /MCP: (?:away|here|off|shell)/);
  const live = (await room.agent("doctor", "--live")).stdout;
  assert.match(live, /MCP: away: http:\/\/127\.0\.0\.1:1\/mcp cannot be reached[^]*Mend it: curl -i/);
  assert.doesNotMatch(live, /MCP: here/);
});

Deno.test("a secret in the config itself or in its history, and a time zone that is none, are notes", async () => {
  await using room = await openRoom({ TZ: "Mars/Olympus" });
  await writeConfig(room.config, {
    "llm.yaml":
      "providers:\n  # api_key: sk-comment\n  anthropic: { api_key: sk-plain }\n  gemini: { api_key: none }\n",
  });
  await Deno.mkdir(`${room.data}/config-history`, { recursive: true });
  const past = `${room.data}/config-history/2026-11-01T00-00-00.000Z~llm.yaml`;
  await Deno.writeTextFile(past, "providers: { gemini: { api_key: 'sk-old' } }\n");
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 0, stdout);
  assert.match(stdout, /note {3}secrets: \S+llm\.yaml:3 has a secret in it[^]*Mend it: .*\$\{file:\.\/secrets\/NAME\}/);
  assert.ok(stdout.includes(`Mend it: rm ${past}\n`), stdout);
  assert.match(stdout, /note {3}time zone: TZ=Mars\/Olympus is no time zone/);
  assert.doesNotMatch(stdout, /sk-/);
});

Deno.test("a damaged ledger is a finding, and not the end of the doctor", async () => {
  await using room = await openRoom();
  await Deno.writeTextFile(`${room.data}/ledger.db`, "no ledger at all, and long enough to be looked at".repeat(200));
  const { code, stdout } = await room.agent("doctor");
  assert.equal(code, 1, stdout);
  assert.match(stdout, /wrong {2}ledger: \S+ledger\.db is damaged: [^]*Mend it: agent restore FILE[^]*ok {5}config/);
  assert.doesNotMatch(stdout, /old data:/);
  const status = await room.agent("status");
  assert.deepEqual([status.code, /damaged/.test(status.stderr), /\n +at /.test(status.stderr)], [2, true, false]);
});
