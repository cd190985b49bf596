// deno-lint-ignore-file no-console -- a command that reports to its terminal
import { toFetchArgs } from "./npm_programs.ts";
import { ensurePackages, newMachine, systemPackages } from "./system.ts";

/** What became of a test run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts the test cases in a JUnit report of `deno test`. A file that could not be loaded has no test case, so a run
 * that did not succeed counts at least one failure.
 */
export function toCounts(report: string, succeeded: boolean): Counts {
  const total = report.match(/<testcase\b/g)?.length ?? 0;
  const failures = report.match(/<(?:failure|error)\b/g)?.length ?? 0;
  const skipped = report.match(/<skipped\b/g)?.length ?? 0;
  return { passed: total - failures - skipped, failed: succeeded ? failures : Math.max(failures, 1), skipped };
}

/** The closing line of a test run. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

/**
 * Test files below `folder`: the quick ones, or with `long` those named `*_long_test.ts`.
 * Sorted, so that a run reads the same everywhere.
 */
export async function listTests(folder: string, long: boolean): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await listTests(path, long));
    else if (path.endsWith("_test.ts") && path.endsWith("_long_test.ts") === long) found.push(path);
  }
  return found.sort();
}

/** Test files at once. They wait more than they compute, so that more than one for each core saves time. */
const jobs = Deno.env.get("DENO_JOBS") ?? String(Math.ceil(1.5 * navigator.hardwareConcurrency));

/** Runs this Deno with its output shown. Gives whether it succeeded. */
async function deno(...args: readonly string[]): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { DENO_JOBS: jobs },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  });
  return (await child.output()).success;
}

async function runTests(args: readonly string[]): Promise<Counts> {
  await ensurePackages(systemPackages, newMachine());
  if (!await deno("install", "--frozen", "--quiet")) throw new Error("deno install failed, see above");
  if (!await deno(...toFetchArgs())) throw new Error("deno cache failed, see above");
  const long = args.includes("--long");
  const named = args.filter((arg) => arg !== "--long");
  const files = named.length > 0 ? named : await listTests("tests", long);
  if (files.length === 0) throw new Error("There is no test to run");
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const succeeded = await deno(
      "test",
      "--allow-all",
      "--no-prompt",
      "--no-check", // `deno task check` does, and of all files at once
      "--frozen",
      "--parallel",
      "--sanitize-ops",
      "--sanitize-resources",
      `--junit-path=${report}`,
      ...files,
    );
    return toCounts(await Deno.readTextFile(report), succeeded);
  } finally {
    await Deno.remove(report);
  }
}

if (import.meta.main) {
  try {
    const counts = await runTests(Deno.args);
    console.log(formatCounts(counts));
    if (counts.failed > 0 || counts.passed === 0) Deno.exit(1);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.log(formatCounts({ passed: 0, failed: 1, skipped: 0 }));
    Deno.exit(1);
  }
}
