// The only file that talks to the server. Its answers are checked there, with the schemas whose types are used here.
import type { ChatEvent, ChatRequest } from "../src/http/chat_api.ts";

/** Why the server did not do what was asked. */
export interface RequestError extends Error {
  readonly status: number;
  readonly reason: string | undefined;
}

/** Values of a query; absent and empty ones are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

const jsonHeaders = { "content-type": "application/json", "x-nexo-csrf": "1" };

/** Reads from the admin API. @throws a {@linkcode RequestError}. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]]
  );
  const init = signal === undefined ? {} : { signal };
  const response = await ask(given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`, init);
  return await response.json();
}

/** Changes something through the admin API. @throws a {@linkcode RequestError}. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await ask(path, { method: "POST", headers: jsonHeaders, body: JSON.stringify(body) });
  return await response.json();
}

/** Sends a chat message; gives the events of its turn as they come, a `reply` or an `error` last. */
export async function* chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const init = { method: "POST", headers: jsonHeaders, body: JSON.stringify(request), signal };
  const { body } = await ask("/api/chat", init);
  if (body === null) return;
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data !== undefined) yield JSON.parse(data.slice("data: ".length));
    }
  }
}

/** Whether an error says that the server answered, and with what. */
export function isRequestError(error: unknown): error is RequestError {
  return error instanceof Error && "status" in error;
}

/** An error in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether nobody answers at the moment: nothing came back, or a proxy says so, which gives no reason of ours. */
export function isPassing(error: unknown): boolean {
  return !isRequestError(error) || (error.reason === undefined && error.status >= 502 && error.status <= 504);
}

/** To the login, and from there back to the page that is shown. */
export function goToLogin(): void {
  location.replace(`/login${location.hash}`);
}

/**
 * Name of the event on the window that tells that the login is over. Whoever takes it, with `preventDefault`, calls its
 * `detail` when somebody has logged in again: what was asked meanwhile goes on then.
 */
export const loginOver = "nexo:login-over";

/** Whether this browser is logged in, by this page or by another one. */
export async function isLoggedIn(): Promise<boolean> {
  const response = await fetch("/api/me").catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch((error) => {
    if (init.signal?.aborted) throw error;
    throw new Error("The process does not answer. Is it running? In a terminal: agent status");
  });
  if (response.ok) return response;
  const refusal: { error?: { message?: string; reason?: string } } = await response.json().catch(() => ({}));
  const { message = `The server answered ${response.status}`, reason } = refusal.error ?? {};
  if ((reason === "no_session" || reason === "no_token") && location.pathname !== "/login") {
    await untilLoggedIn();
    return await ask(path, init);
  }
  throw Object.assign(new Error(message), { status: response.status, reason });
}

function untilLoggedIn(): Promise<void> {
  return new Promise((resolve) => {
    // Where no page is shown yet, nothing is lost by leaving.
    if (dispatchEvent(new CustomEvent(loginOver, { cancelable: true, detail: resolve }))) goToLogin();
  });
}
