/** Bytes taken from an answer at once: the event of one token is a few hundred. */
const readBytes = 8_192;

/**
 * Makes a `fetch` whose answers are read through one small buffer each. Deno gives every read of a body 64 KiB of its
 * own, while the pieces of a streamed answer are tiny: a short answer would leave half a megabyte outside of the heap,
 * where the collector sees it late.
 */
export function withSmallReads(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    return response.body === null ? response : new Response(readSmall(response.body), response);
  };
}

function readSmall(source: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = source.getReader({ mode: "byob" });
  let buffer = new Uint8Array(readBytes);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read(buffer);
      if (done) return controller.close();
      buffer = new Uint8Array(value.buffer);
      controller.enqueue(value.slice());
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
