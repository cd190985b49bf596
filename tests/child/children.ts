import { type Child, newChildren } from "../../src/child/open.ts";
import { type ChildSpec, defaultChildLimits } from "../../src/child/spec.ts";
import type { ChildSystem } from "../../src/child/system.ts";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { redact } from "../../src/telemetry/redact.ts";

/** A machine without bubblewrap. */
export const bareSystem: ChildSystem = {
  shell: "/bin/sh",
  setpriv: "/usr/bin/setpriv",
  prlimit: "/usr/bin/prlimit",
  bubblewrap: { missing: "bubblewrap is not installed" },
};

/** A folder for one child: `state` to write, `code` to read. */
export async function openChildFolder() {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "nexo-child-" }));
  await Deno.mkdir(`${path}/state`);
  await Deno.mkdir(`${path}/code`);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** What a shell does as a child in `folder`. */
export function toShellSpec(folder: string, script: string, changes: Partial<ChildSpec> = {}): ChildSpec {
  return {
    // Limits count by name, also those of another run of the tests on this machine.
    name: `test-${crypto.randomUUID()}`,
    program: { kind: "program", command: "sh", args: ["-c", script] },
    env: {},
    stateDir: `${folder}/state`,
    readable: [`${folder}/code`],
    permissions: { net: [], read: [], write: [], env: [], run: [] },
    limits: defaultChildLimits,
    ...changes,
  };
}

/** Starts a child that a test ends. */
export function startChild(spec: ChildSpec, system?: ChildSystem, clock: Clock = systemClock): Promise<Child> {
  const deps = { clock, redact };
  const children = system === undefined ? newChildren(deps) : newChildren(deps, () => Promise.resolve(system));
  return children.start(spec, new AbortController().signal);
}

/** Everything that a child says until it ends. */
export async function readAll(child: Child): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of child.lines) lines.push(line);
  return lines;
}
