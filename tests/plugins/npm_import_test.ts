import assert from "node:assert/strict";

// In a process of its own, since only the flags of the whole process close this door.
Deno.test("a worker cannot load packages that the lock file does not name", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--cached-only", "--no-prompt", "--allow-read", "npm_import_main.ts"],
    cwd: new URL("./workers/", import.meta.url),
  }).output();
  assert.match(new TextDecoder().decode(stdout), /^refused: .*is-thirteen/);
});
