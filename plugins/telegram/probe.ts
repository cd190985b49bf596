import { newBotApi } from "./api.ts";
import type { TelegramConfig } from "./config.ts";

/** Asks Telegram whose the token is. Does not touch updates. @throws {AppError} see {@linkcode newBotApi} */
export async function probeBot({ api_root, token }: TelegramConfig, signal: AbortSignal): Promise<string> {
  const api = newBotApi(api_root, token.reveal());
  const bot = await api.ask("getMe", signal, (methods, bounded) => methods.getMe(bounded));
  return `@${bot.username}`;
}
