import { servePlugin } from "../../src/sdk/worker.ts";
import "./libraries.ts";
import { openWhatsAppAccount } from "./account.ts";
import { whatsappConfigSchema } from "./config.ts";

servePlugin({ config: whatsappConfigSchema, open: openWhatsAppAccount });
