/** Whether we run as root. Deno tells the user's number only to who may ask the system about more than that. */
export async function isRoot(): Promise<boolean> {
  const { stdout } = await new Deno.Command("id", { args: ["-u"], stdin: "null" }).output();
  return new TextDecoder().decode(stdout).trim() === "0";
}
