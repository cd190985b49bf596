import assert from "node:assert/strict";
import { ensurePackages, type Machine } from "../../scripts/system.ts";

const wanted = [
  { package: "chromium", command: "chromium", why: "the console is tested in a real browser" },
  { package: "nats-server", command: "nats-server", why: "the bus is tested against a real server" },
];

function newFakeMachine(canInstall: boolean, brings: readonly string[]) {
  const present = new Set(["chromium"]);
  const ran: string[] = [];
  const machine: Machine = {
    canInstall,
    has: (command) => Promise.resolve(present.has(command)),
    run: (command, ...args) => {
      ran.push([command, ...args].join(" "));
      if (args[0] === "install") { for (const name of brings) present.add(name); }
      return Promise.resolve(0);
    },
  };
  return { machine, ran };
}

Deno.test("what is there is not installed again", async () => {
  const { machine, ran } = newFakeMachine(true, []);
  await ensurePackages(wanted.slice(0, 1), machine);
  assert.deepEqual(ran, []);
});

Deno.test("missing packages, and only those, are installed without a question", async () => {
  const { machine, ran } = newFakeMachine(true, ["nats-server"]);
  await ensurePackages(wanted, machine);
  assert.deepEqual(ran, ["apt-get update -q", "apt-get install -y -q --no-install-recommends nats-server"]);
});

Deno.test("where nothing can be installed, the missing programs are named with their reason and the remedy", async () => {
  const { machine, ran } = newFakeMachine(false, []);
  await assert.rejects(
    ensurePackages(wanted, machine),
    /nats-server: the bus is tested against a real server\nOn Debian: apt-get install nats-server\./,
  );
  assert.deepEqual(ran, []);
});

Deno.test("an installation that brings nothing is a failure", async () => {
  const { machine } = newFakeMachine(true, []);
  await assert.rejects(ensurePackages(wanted, machine), /apt-get did not bring .*\n {2}nats-server/);
});
