/** Half a surrogate pair as `JSON.stringify` writes it; behind an odd backslash it would be a text about one. */
const loneSurrogate = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

/**
 * Makes a `fetch` that sends half a surrogate pair as U+FFFD. Texts that somebody cut, or made to annoy, hold such
 * halves, and providers refuse the whole request for one: the session that holds it could never be answered again.
 */
export function withWellFormedBody(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => {
    const body = init?.body;
    if (typeof body !== "string" || !body.includes("\\ud")) return fetch(input, init);
    return fetch(input, { ...init, body: body.replace(loneSurrogate, "$1\ufffd") });
  };
}
