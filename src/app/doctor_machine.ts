import { DatabaseSync } from "node:sqlite";
import { findChildSystem, findProgram } from "../child/system.ts";
import type { Config } from "../config/config.ts";
import { AppError, toAppError } from "../core/error.ts";
import { discover, type Places } from "../extensions/discovery.ts";
import { isThere } from "../folder/files.ts";
import { toShellWord } from "../lib/shell.ts";
import type { Check, Finding } from "./doctor.ts";
import { silentLog } from "./live.ts";
import { findVectorLibrary } from "./memory_room.ts";

/** Oldest Deno that the program is tested with. */
const oldestDeno = [2, 9] as const;
const wantedFreeBytes = 1_000_000_000;
/** Clocks of file servers and of the world differ by a little. */
const fileSkewMs = 5_000;
const worldSkewMs = 30_000;
const headMs = 10_000;

/** The Deno that runs this. */
export function newDenoCheck(): Check {
  return {
    name: "Deno",
    look() {
      const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
      const isOld = major < oldestDeno[0] || major === oldestDeno[0] && minor < oldestDeno[1];
      return Promise.resolve(
        isOld
          ? [{
            what: `Deno ${Deno.version.deno} is older than ${oldestDeno.join(".")}`,
            why: "The program is tested with that one, and workers' permissions changed before it.",
            mend: "deno upgrade",
          }]
          : [],
      );
    },
  };
}

/** The clock against that of the disk, and with `timeUrl` against the world's. */
export function newClockCheck(dataDir: string, timeUrl: string | undefined): Check {
  return {
    name: "clock",
    async look() {
      const skews = [
        { than: "the disk's", ms: await readFileSkew(dataDir), limitMs: fileSkewMs },
        { than: "the world's", ms: timeUrl === undefined ? 0 : await readWorldSkew(timeUrl), limitMs: worldSkewMs },
      ];
      return skews.filter(({ ms, limitMs }) => Math.abs(ms) > limitMs).map(({ than, ms }) => ({
        what: `The clock is ${Math.round(Math.abs(ms) / 1_000)} s ${ms > 0 ? "ahead of" : "behind"} ${than}`,
        why: "Budgets by day, codes that expire, TLS and logins depend on the right time.",
        mend: "timedatectl set-ntp true",
      }));
    },
  };
}

/** Whether others of this machine can read data and keys. */
export function newPermissionCheck(configDir: string, dataDir: string): Check {
  return {
    name: "permissions",
    async look() {
      const secrets = await listSecretFiles(configDir);
      const places = [
        { path: dataDir, mode: 0o700, why: "Everything that people wrote is in there, and the token of the console." },
        { path: `${configDir}/secrets`, mode: 0o700, why: "Keys and tokens are in there." },
        ...secrets.map((name) => ({
          path: `${configDir}/secrets/${name}`,
          mode: 0o600,
          why: "Whoever reads it can use the account.",
        })),
      ];
      return (await Promise.all(places.map(toModeFinding))).flat();
    },
  };
}

/** Names of the files in `secrets` of the config folder. */
export async function listSecretFiles(configDir: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(`${configDir}/secrets`));
    return entries.filter(({ isFile }) => isFile).map(({ name }) => name).sort();
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return [];
    throw thrown;
  }
}

/** Whether the listeners can have their ports; asked only while the process does not run. */
export function newPortCheck({ runtime: { http } }: Config): Check {
  const listeners = [["health", http.health], ["metrics", http.metrics], ["admin", http.admin]] as const;
  return {
    name: "ports",
    look: () =>
      Promise.resolve(listeners.flatMap(([name, address]) => {
        const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
        try {
          Deno.listen({ hostname: host, port: Number(port) }).close();
          return [];
        } catch (thrown) {
          const variable = `AGENT_${name.toUpperCase()}_ADDR`;
          const isTaken = thrown instanceof Deno.errors.AddrInUse;
          const other = thrown instanceof Deno.errors.PermissionDenied ? `${host}:0` : `127.0.0.1:${port}`;
          return [{
            what: `${address} (${name}) cannot be had: ${toAppError(thrown).message}`,
            why: "The process does not start.",
            mend: isTaken
              ? `see who has it: ss -ltnp 'sport = :${port}'; or take another: ${variable}=${host}:0 agent run`
              : `take one that this user can have here: ${variable}=${other} agent run; for good in runtime.yaml: http.${name}`,
          }];
        }
      })),
  };
}

/** Room for the ledger. */
export function newDiskCheck(dataDir: string, readFree = readFreeBytes): Check {
  return {
    name: "disk",
    async look() {
      const freeBytes = await readFree(await isThere(dataDir) ? dataDir : ".");
      if (freeBytes === undefined || freeBytes >= wantedFreeBytes) return [];
      return [{
        what: `${(freeBytes / 1e9).toFixed(1)} GB are free where ${dataDir} is`,
        why: "When the disk is full, no message is taken until there is room again.",
        mend: `du -sh ${toShellWord(dataDir)}/* | sort -h`,
      }];
    },
  };
}

/** The native code that long-term memory is searched with. */
export function newVectorCheck(dataDir: string): Check {
  return {
    name: "sqlite-vec",
    look() {
      try {
        const library = findVectorLibrary(silentLog, dataDir);
        if (library === undefined) throw new AppError("missing", "there is none for this machine");
        using database = new DatabaseSync(":memory:", { allowExtension: true });
        database.loadExtension(library);
        return Promise.resolve([]);
      } catch (thrown) {
        return Promise.resolve([{
          what: `sqlite-vec cannot be loaded: ${toAppError(thrown).message}`,
          why: "Facts are then found by their words only, not by what they mean.",
          mend: "deno install --frozen, on a system that sqlite-vec has native code for",
        }]);
      }
    },
  };
}

/** Walls for programs of others, where there are any. */
export function newWallCheck({ mcp, extensions }: Config, places: Places, findSystem = findChildSystem): Check {
  return {
    name: "bubblewrap",
    async look() {
      const found = extensions.enabled ? await discover(places) : [];
      const children = [
        ...found.filter(({ enabled }) => enabled).map(({ id }) => id),
        ...Object.entries(mcp.servers).filter(([, server]) => "command" in server).map(([id]) => id),
      ];
      const { bubblewrap } = await findSystem();
      if (children.length === 0 || "path" in bubblewrap) return [];
      return [{
        what: `bubblewrap does not work here: ${bubblewrap.missing}`,
        why: `${children.join(", ")} would run without walls around them.`,
        mend: await findProgram("bwrap") === undefined
          ? "apt-get install bubblewrap"
          : "sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0; " +
            "in a container: docker run with --security-opt seccomp=unconfined, apparmor=unconfined and " +
            "systempaths=unconfined, one flag each",
      }];
    },
  };
}

/** Extensions that are enabled and cannot run; asked only while the process does not run. */
export function newExtensionCheck({ extensions }: Config, places: Places): Check {
  return {
    name: "extensions",
    async look() {
      const found = extensions.enabled ? await discover(places) : [];
      return found.filter(({ enabled }) => enabled).flatMap(({ id, fault }) =>
        fault === undefined ? [] : [{
          what: `${id}: ${fault}`,
          why: "It does not run, and its tools are not there.",
          mend: `agent ext doctor ${id}`,
        }]
      );
    },
  };
}

async function toModeFinding(
  { path, mode, why }: { readonly path: string; readonly mode: number; readonly why: string },
): Promise<readonly Finding[]> {
  if (!await isThere(path)) return [];
  const info = await Deno.stat(path);
  if (info.mode === null || (info.mode & 0o077) === 0) return [];
  const wanted = mode.toString(8);
  return [{
    what: `${path} is open to other users (${(info.mode & 0o777).toString(8)})`,
    why,
    mend: `chmod ${wanted} ${toShellWord(path)}`,
    fix: () => Deno.chmod(path, mode),
  }];
}

/** Asked of `df`, since Deno's own way wants a permission that nothing else needs. `undefined`: it does not tell. */
async function readFreeBytes(path: string): Promise<number | undefined> {
  const program = await findProgram("df");
  if (program === undefined) return undefined;
  const { success, stdout } = await new Deno.Command(program, { args: ["-Pk", "--", path], stderr: "null" }).output();
  // POSIX: a line of titles, and one with device, size, used, free, in blocks of 1024 bytes.
  const free = new TextDecoder().decode(stdout).split("\n")[1]?.trim().split(/\s+/)[3];
  return success && free !== undefined && /^\d+$/.test(free) ? Number(free) * 1_024 : undefined;
}

async function readFileSkew(dataDir: string): Promise<number> {
  if (!await isThere(dataDir)) return 0;
  const path = await Deno.makeTempFile({ dir: dataDir, prefix: ".clock-" });
  try {
    const { mtime } = await Deno.stat(path);
    return mtime === null ? 0 : Date.now() - mtime.getTime();
  } finally {
    await Deno.remove(path);
  }
}

/** A server that cannot be reached says nothing about the clock; other checks tell of it. */
async function readWorldSkew(url: string): Promise<number> {
  try {
    const response = await fetch(url, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(headMs) });
    const date = Date.parse(response.headers.get("date") ?? "");
    return Number.isNaN(date) ? 0 : Date.now() - date;
  } catch (thrown) {
    const { kind } = toAppError(thrown);
    if (kind === "unavailable" || kind === "timeout") return 0;
    throw thrown;
  }
}
