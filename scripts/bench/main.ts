import { serveApp } from "../../tests/fixtures/serve_app.ts";
import { newInertTools } from "./inert_tools.ts";

// The runtime as it is, with twelve tools that nobody calls, so that requests are as large as our peers' were.
// BENCH_IDLE_TOOLS more are registered without any agent having them.
if (import.meta.main) {
  const idle = Number(Deno.env.get("BENCH_IDLE_TOOLS") ?? 0);
  await serveApp({ tools: [...newInertTools(), ...newInertTools(idle, "idle")] });
}
