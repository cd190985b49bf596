import { Api } from "grammy";
import { AppError, toAppError } from "../../src/core/error.ts";
import { toTelegramError } from "./errors.ts";

/** The methods of the Bot API, as grammY types them. */
export type Methods = Api["raw"];

/** The signal that those types name: a polyfill's, which this build of grammY does not use. */
type MethodSignal = NonNullable<Parameters<Methods["getMe"]>[0]>;

/** The Bot API of one bot. */
export interface BotApi {
  /**
   * Asks once, for at most 30 seconds.
   *
   * @param action Name of the method, for errors.
   * @param holdMs Milliseconds that Telegram itself holds the request, on top of the 30 seconds.
   * @throws {AppError} see {@linkcode toTelegramError}
   */
  ask<T>(
    action: string,
    signal: AbortSignal,
    work: (methods: Methods, signal: MethodSignal) => Promise<T>,
    holdMs?: number,
  ): Promise<T>;
  /** Begins to download the file at the path that `getFile` gave. The caller reads the body. @throws {AppError} */
  download(filePath: string, signal: AbortSignal): Promise<Response>;
}

const requestMs = 30_000;

/** Makes a {@linkcode BotApi}. The token stays in this closure: addresses hold it, so no error may hold an address. */
export function newBotApi(apiRoot: string, token: string): BotApi {
  const { raw } = new Api(token, { apiRoot });
  return {
    async ask(action, signal, work, holdMs = 0) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(requestMs + holdMs)]);
      try {
        return await work(raw, bounded as unknown as MethodSignal); // eraser: see MethodSignal
      } catch (thrown) {
        throw toTelegramError(thrown, action, bounded);
      }
    },
    async download(filePath, signal) {
      try {
        return await fetch(`${apiRoot}/file/bot${token}/${filePath}`, { signal });
      } catch {
        // The cause names the address. Why it failed stands in `signal`, or it is the network.
        if (signal.aborted) throw toAppError(signal.reason);
        throw new AppError("unavailable", "The file server of Telegram cannot be reached");
      }
    },
  };
}
