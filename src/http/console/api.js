// The only file that talks to the server.

const jsonHeaders = { "content-type": "application/json", "x-nexo-csrf": "1" };

/** Reads from the admin API. Parameters without a value are left out. */
export function get(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== undefined && value !== ""),
  );
  return ask(query.size === 0 ? path : `${path}?${query}`, { signal });
}

/** Changes something through the admin API. */
export function post(path, body) {
  return ask(path, { method: "POST", headers: jsonHeaders, body: JSON.stringify(body) });
}

/** Exchanges the token for a session. */
export async function logIn(token) {
  const response = await fetch("/api/login", { method: "POST", headers: jsonHeaders, body: JSON.stringify({ token }) });
  if (!response.ok) throw await toError(response);
}

/** Sends a chat message; gives the events of its turn as they come, a `reply` or an `error` last. */
export async function* chat(body, signal) {
  const init = { method: "POST", headers: jsonHeaders, body: JSON.stringify(body), signal };
  const response = await fetch("/api/chat", init);
  if (!response.ok) throw await toError(response);
  let rest = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data !== undefined) yield JSON.parse(data.slice(6));
    }
  }
}

async function ask(path, init) {
  const response = await fetch(path, init);
  if (!response.ok) throw await toError(response);
  return await response.json();
}

async function toError(response) {
  if (response.status === 401 && location.pathname !== "/login") location.replace("/login");
  const body = await response.json().catch(() => ({}));
  const error = new Error(body.error?.message ?? `The server answered ${response.status}`);
  error.status = response.status;
  error.reason = body.error?.reason;
  return error;
}
