import { servePlugin } from "../../src/sdk/worker.ts";
import { openTelegramBot } from "./bot.ts";
import { telegramConfigSchema } from "./config.ts";

servePlugin({ config: telegramConfigSchema, open: openTelegramBot });
