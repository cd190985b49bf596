import { runCli } from "./src/cli/cli.ts";
import { newSystemTerminal } from "./src/cli/terminal.ts";
import { serviceRoutes, setupRoutes } from "./src/setup/routes.ts";

// The program ends with its command, whatever a library or a worker has left open.
if (import.meta.main) {
  const more = { setup: setupRoutes, service: serviceRoutes };
  Deno.exit(await runCli(Deno.args, newSystemTerminal(), more));
}
