/** What the kernel says about a process (proc(5), Linux). */
export interface ProcessUse {
  /** CPU time of all its threads, user and system, milliseconds; in steps of 10. */
  readonly cpuMs: number;
  /** Resident memory, bytes. */
  readonly rssBytes: number;
}

/** Milliseconds in one clock tick: USER_HZ is 100 on every Linux platform that Deno runs on. */
const tickMs = 10;

/** Reads what a process has used so far. */
export async function readProcessUse(pid: number): Promise<ProcessUse> {
  const [stat, status] = await Promise.all([
    Deno.readTextFile(`/proc/${pid}/stat`),
    Deno.readTextFile(`/proc/${pid}/status`),
  ]);
  // The name in the second field may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const rssKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  return { cpuMs: ticks * tickMs, rssBytes: rssKb * 1024 };
}
