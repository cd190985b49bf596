import { AppError } from "../core/error.ts";
import { splitLines } from "../cli/terminal.ts";
import { findLaunch } from "./launch.ts";
import type { Site } from "./site.ts";

const anyPort = "127.0.0.1:0";
/** Longest tail of what a failed start has said. */
const maxComplaint = 2_000;

/**
 * Runs the agents beside the setup, until this is disposed: what has to be done with a running process.
 *
 * @throws {AppError} `unavailable` where it does not come up.
 */
export async function openBriefRun({ terminal, configDir, dataDir }: Site): Promise<AsyncDisposable> {
  const { command: [program = "", ...args], env } = await findLaunch(terminal.env, dataDir);
  const child = new Deno.Command(program, {
    args: [...args, "run", "--json", "--config", configDir, "--data", dataDir],
    env: { ...env, AGENT_HEALTH_ADDR: anyPort, AGENT_METRICS_ADDR: anyPort, AGENT_ADMIN_ADDR: anyPort },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let complaint = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      complaint = (complaint + text).slice(-maxComplaint);
    }
  })();
  const lines = splitLines(child.stdout.pipeThrough(new TextDecoderStream()));
  // Its first line says that it is ready.
  const { done } = await lines.next();
  if (done) {
    await reading;
    await child.status;
    throw new AppError("unavailable", `The agents do not start: ${complaint.trim()}. See what is wrong: agent doctor`);
  }
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await lines.return(undefined);
      await reading;
    },
  };
}
