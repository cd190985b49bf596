/**
 * Runs a program of the build to its end.
 *
 * @returns What it wrote to its standard output.
 * @throws {Error} with what it said, where it failed.
 */
export async function runTool(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`${program} ${args[0] ?? ""} failed:\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}
