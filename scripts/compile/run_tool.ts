/**
 * Runs a program of the build to its end.
 *
 * @throws {Error} with what it said, where it failed.
 */
export async function runTool(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (success) return;
  const decoder = new TextDecoder();
  throw new Error(`${program} ${args[0] ?? ""} failed:\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}
