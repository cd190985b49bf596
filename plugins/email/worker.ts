import { servePlugin } from "../../src/sdk/worker.ts";
import "./nameless_host.ts";
import { openMailAccount } from "./account.ts";
import { emailConfigSchema } from "./config.ts";

servePlugin({ config: emailConfigSchema, open: openMailAccount });
