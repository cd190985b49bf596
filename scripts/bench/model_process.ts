import { type FakeModel, newFakeModelClient } from "../../tests/fixtures/fake_model.ts";

/** Starts the fake model as a process of its own, so that its work is not counted as the runtime's. */
export async function openModelProcess(): Promise<FakeModel & AsyncDisposable> {
  const path = new URL("../../tests/fixtures/fake_model.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", "--no-prompt", path, "--port", "0"],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let origin = "";
  while (!origin.endsWith("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("The fake model ended before it told its address");
    origin += value;
  }
  return {
    ...newFakeModelClient(origin.trim()),
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await reader.cancel();
      await process.status;
    },
  };
}
