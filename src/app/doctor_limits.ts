import { findProgram } from "../child/system.ts";
import { toAppError } from "../core/error.ts";
import type { Check } from "./doctor.ts";

/** Sockets, files of the ledger, workers and children together; a busy process holds some hundred. */
const wantedOpenFiles = 1_024;
/** What an idle process holds, and as much again for work. */
const wantedMemoryBytes = 300_000_000;

/** How many files and connections a process may have open. */
export function newOpenFilesCheck(): Check {
  return {
    name: "open files",
    async look() {
      const limit = Number((await run("sh", "-c", "ulimit -n"))?.trim());
      // "unlimited" is no number.
      if (!(limit < wantedOpenFiles)) return [];
      return [{
        what: `A process may have ${limit} files and connections open here`,
        why: "When they are used up, no message comes in and none goes out.",
        mend: "ulimit -n 65536, before agent run; the service of agent service install has that already",
      }];
    },
  };
}

/**
 * Whether there is memory for the agents.
 *
 * @param readMemory Text as `/proc/meminfo` has it; `undefined` where the system does not tell.
 */
export function newMemoryCheck(readMemory: () => Promise<string | undefined> = readMeminfo): Check {
  return {
    name: "memory",
    async look() {
      const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(await readMemory() ?? "") ?? [];
      const availableBytes = Number(kilobytes) * 1_024;
      if (kilobytes === undefined || availableBytes >= wantedMemoryBytes) return [];
      return [{
        what: `${Math.round(availableBytes / 1e6)} MB of memory are free`,
        why: "The system ends processes when it has none left; no message is lost, but people wait.",
        mend: "ps -eo rss,comm --sort=-rss | head; memory.long_term.embedder.kind: none saves the most of ours",
      }];
    },
  };
}

/** Whether the time zone that the environment names is one. */
export function newTimeZoneCheck(env: Readonly<Record<string, string | undefined>>): Check {
  return {
    name: "time zone",
    look() {
      // POSIX allows a colon before the name.
      const zone = env["TZ"]?.replace(/^:/, "") ?? "";
      if (zone === "" || isZone(zone)) return Promise.resolve([]);
      return Promise.resolve([{
        what: `TZ=${zone} is no time zone`,
        why: "Times are then told in UTC.",
        mend: "timedatectl list-timezones; then export TZ=Area/City",
        isNote: true,
      }]);
    },
  };
}

/** Whether changes of the config can be noticed by themselves. */
export function newNoticeCheck(configDir: string): Check {
  return {
    name: "file notices",
    look() {
      try {
        Deno.watchFs(configDir).close();
        return Promise.resolve([]);
      } catch (thrown) {
        return Promise.resolve([{
          what: `${configDir} cannot be watched: ${toAppError(thrown).message}`,
          why: "A change of the config is taken up only at the next start.",
          mend: "sysctl -w fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288",
        }]);
      }
    },
  };
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).format(0) !== "";
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
}

/** Read by a program: Deno keeps `/proc` to those who may do everything. */
function readMeminfo(): Promise<string | undefined> {
  return run("cat", "/proc/meminfo");
}

async function run(name: string, ...args: readonly string[]): Promise<string | undefined> {
  const program = await findProgram(name);
  if (program === undefined) return undefined;
  const { success, stdout } = await new Deno.Command(program, { args: [...args], stdin: "null", stderr: "null" })
    .output();
  return success ? new TextDecoder().decode(stdout) : undefined;
}
