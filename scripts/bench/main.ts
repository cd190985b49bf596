import { serveApp } from "../../tests/fixtures/serve_app.ts";
import { newInertTools } from "./inert_tools.ts";

// The runtime as it is, with twelve tools that nobody calls, so that requests are as large as our peers' were.
if (import.meta.main) await serveApp({ tools: newInertTools() });
