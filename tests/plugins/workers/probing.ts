import { servePlugin } from "../../../src/sdk/worker.ts";
import { z } from "zod";

/** Forbidden things by name. Each throws where it is refused. */
const attempts: Readonly<Record<string, () => unknown>> = {
  read: () => Deno.readTextFile("/etc/passwd"),
  "read the folder above": () => Array.fromAsync(Deno.readDir("..")),
  write: () => Deno.writeTextFile("/tmp/nexo-probe", "x"),
  env: () => Deno.env.get("HOME"),
  run: () => new Deno.Command("true").output(),
  "net elsewhere": () => Deno.connect({ hostname: "127.0.0.1", port: 1 }),
  "fetch elsewhere": () => fetch("http://127.0.0.1:2/"),
  listen: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
  ffi: () => Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {}).close(),
  sys: () => Deno.hostname(),
  "import of a remote module": () => import(["https:", "", "example.com", "x.js"].join("/")),
  "import of a local file": () => import(["file:", "", "", "etc", "hostname"].join("/")),
  "signal to the process": () => Deno.kill(Deno.pid, "SIGCONT"),
  "signal through node": async () => {
    const { default: process, kill } = await import("node:process");
    kill(process.pid, "SIGCONT");
  },
  "nested worker": () => new Worker("data:application/javascript,", { type: "module" }).terminate(),
  "broadcast channel": () => new BroadcastChannel("all").close(),
  "permission request": async () => {
    const { state } = await Deno.permissions.request({ name: "env" });
    if (state !== "granted") throw new Error(state);
  },
};

servePlugin({
  config: z.unknown(),
  open() {
    return Promise.resolve({
      async send({ text }) {
        if (text === "list") return { providerMessageIds: Object.keys(attempts) };
        try {
          await attempts[text]?.();
          return { providerMessageIds: ["allowed"] };
        } catch (thrown) {
          return { providerMessageIds: ["refused", String(thrown)] };
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
});
