import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { formatUnit, type ServiceUnit } from "../../src/setup/unit.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";

const unit: ServiceUnit = {
  command: ["/opt/my nexo/$v/agent", "run", "--config", "/etc/nexo", "--data", "/srv/my data/100%/$x"],
  env: { AGENT_CACHE: "/srv/my data/100%/$x/cache" },
  writable: ["/etc/nexo", "/srv/my data/100%/$x"],
  envFile: "/etc/nexo/service.env",
  user: "nexo",
  workingDir: "/srv/my data/100%/$x",
};

for (const [name, user] of [["system.service", "nexo"], ["user.service", undefined]] as const) {
  Deno.test(`the unit is that of ${name}`, async () => {
    const golden = new URL(`./golden/${name}`, import.meta.url);
    const text = formatUnit({ ...unit, user });
    if (Deno.env.has("UPDATE_GOLDEN")) await Deno.writeTextFile(golden, text);
    assert.equal(text, await Deno.readTextFile(golden));
  });
}

Deno.test("a path with a line end is no unit's, and one with quotes is no program's", () => {
  assert.throws(() => formatUnit({ ...unit, workingDir: "/srv/a\n[Service]\nUser=root" }), AppError);
  for (const path of ["/srv/ana's/agent", '/srv/"a"/agent', "/srv/a\\b/agent"]) {
    assert.throws(() => formatUnit({ ...unit, command: [path, "run"] }), AppError);
  }
});

Deno.test("no wall covers a part of /proc, or takes what bubblewrap and compiled code need", () => {
  const walls = /^(?:ProtectHostname|ProtectKernelTunables|ProtectKernelLogs|ProcSubset|RestrictNamespaces)=/m;
  assert.doesNotMatch(formatUnit(unit), walls);
  assert.doesNotMatch(formatUnit(unit), /MemoryDenyWriteExecute|SystemCallFilter/);
});

Deno.test("what agent service install prints is a unit that systemd takes", async () => {
  await using folder = await openTempDir();
  const env = { AGENT_CONFIG: `${folder.path}/my config`, AGENT_DATA: `${folder.path}/data` };
  const user = new TextDecoder().decode((await new Deno.Command("id", { args: ["-un"] }).output()).stdout).trim();
  const { code, stdout, stderr } = await runAgent(["service", "install", "--print", "--run-as", user], { env });
  assert.equal(code, 0, stderr);
  for (
    const wall of [
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "PrivateTmp=yes",
      "RestrictAddressFamilies=",
      "MemoryMax=",
      `ReadWritePaths="${folder.path}/my config" ${folder.path}/data`,
    ]
  ) assert.ok(stdout.includes(`\n${wall}`), wall);
  assert.ok(!await Deno.stat(`${folder.path}/data`).then(() => true, () => false), "printing makes no folder");

  const path = `${folder.path}/nexo.service`;
  await Deno.writeTextFile(path, stdout);
  try {
    const verified = await new Deno.Command("systemd-analyze", { args: ["verify", path] }).output();
    const said = new TextDecoder().decode(verified.stderr).split("\n").filter((line) => line.includes("nexo.service"));
    assert.deepEqual(said, []);
  } catch (error) {
    // Where there is no systemd, the golden files have to do.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
});

Deno.test("without --run-as the unit says who runs it, also where nobody called sudo", async () => {
  await using folder = await openTempDir();
  const env = { AGENT_CONFIG: folder.path, AGENT_DATA: folder.path, USER: "eva" };
  const { code, stdout, stderr } = await runAgent(["service", "install", "--print"], { env });
  assert.equal(code, 0, stderr);
  assert.match(stdout, Deno.uid() === 0 ? /^User=nexo$/m : /^User=eva$/m);
});

Deno.test(
  "a service whose user could not read the secrets is not installed",
  { ignore: Deno.uid() !== 0 },
  async () => {
    await using folder = await openTempDir();
    await Deno.mkdir(`${folder.path}/config/secrets`, { recursive: true });
    await Deno.writeTextFile(`${folder.path}/config/secrets/key`, "k", { mode: 0o600 });
    const env = { AGENT_CONFIG: `${folder.path}/config`, AGENT_DATA: `${folder.path}/data` };
    const { code, stderr } = await runAgent(["service", "install", "--run-as", "nobody"], { env });
    assert.equal(code, 3, stderr);
    assert.match(stderr, /secrets is not nobody's[^]*chown -R nobody: \S+config \S+data\n$/);
  },
);

Deno.test(
  "a service whose user could not read the program is not installed",
  { ignore: Deno.uid() !== 0 },
  async () => {
    await using folder = await openTempDir();
    await Deno.mkdir(`${folder.path}/config`);
    const env = {
      AGENT_CONFIG: `${folder.path}/config`,
      AGENT_DATA: `${folder.path}/data`,
      AGENT_EXECUTABLE: `${folder.path}/agent`, // a folder of root's own, as its home is
    };
    await Deno.writeTextFile(`${folder.path}/agent`, "", { mode: 0o755 });
    const { code, stderr } = await runAgent(["service", "install", "--run-as", "nobody"], { env });
    assert.equal(code, 3, stderr);
    assert.match(stderr, /nobody cannot read \S+agent,.*\/usr\/local\/bin/);
  },
);

Deno.test("a service is installed, shown and taken away with systemctl", async () => {
  await using folder = await openTempDir();
  const bin = `${folder.path}/bin`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/systemctl`, `#!/bin/sh\necho "$@" >> ${folder.path}/calls\n`, { mode: 0o755 });
  const env = {
    PATH: `${bin}:${Deno.env.get("PATH")}`,
    HOME: folder.path,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
    AGENT_CONFIG: `${folder.path}/config`,
    AGENT_DATA: `${folder.path}/data`,
  };
  const path = `${folder.path}/.config/systemd/user/nexo.service`;
  const installed = await runAgent(["service", "install", "--user"], { env });
  assert.equal(installed.code, 0, installed.stderr);
  assert.ok(
    (await Deno.stat(`${folder.path}/config/agents.yaml`)).isFile,
    "systemd wants the folder, nexo what is in it",
  );
  assert.match(await Deno.readTextFile(path), /ExecStart=.* run --config \S+\/config --data \S+\/data\n/);
  assert.equal((await runAgent(["service", "status", "--user"], { env })).code, 0);
  assert.equal((await runAgent(["service", "uninstall", "--user"], { env })).code, 0);
  assert.equal(
    await Deno.readTextFile(`${folder.path}/calls`),
    [
      "--user daemon-reload",
      "--user enable --now nexo.service",
      "--user status --no-pager --lines=5 nexo.service",
      "--user disable --now nexo.service",
      "--user daemon-reload",
      "",
    ].join("\n"),
  );
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("where systemd does not run nothing is left behind, and what to do instead is said", async () => {
  await using folder = await openTempDir();
  await Deno.mkdir(`${folder.path}/bin`);
  const script = "#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n";
  await Deno.writeTextFile(`${folder.path}/bin/systemctl`, script, { mode: 0o755 });
  const env = {
    PATH: `${folder.path}/bin:${Deno.env.get("PATH")}`,
    HOME: folder.path,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
    AGENT_CONFIG: `${folder.path}/config`,
    AGENT_DATA: `${folder.path}/data`,
  };
  for (const command of ["install", "status"]) {
    const { code, stderr } = await runAgent(["service", command, "--user"], { env });
    assert.deepEqual([code, /systemd does not run here .*agent service install --print\n$/.test(stderr)], [6, true]);
  }
  await assert.rejects(Deno.stat(`${folder.path}/.config/systemd/user/nexo.service`), Deno.errors.NotFound);
  const { code, stderr } = await runAgent(["service", "uninstall", "--user"], { env });
  assert.deepEqual([code, /no service to take away/.test(stderr)], [4, true]);
});
