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
    return response.body === null ? response : new Response(readSmall(response.body, init?.signal), response);
  };
}

type Bytes = Uint8Array<ArrayBuffer>;

function readSmall(source: ReadableStream<Bytes>, signal: AbortSignal | null | undefined): ReadableStream<Bytes> {
  const reader = source.getReader({ mode: "byob" });
  let buffer = new Uint8Array(readBytes);
  // Deno 2.9 now and then leaves such a read waiting, and its socket open, when the request is aborted.
  const letGo = () => void reader.cancel(signal?.reason).catch(() => {/* the source had failed already */});
  signal?.addEventListener("abort", letGo, { once: true });
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read(buffer);
      signal?.throwIfAborted();
      if (done) {
        signal?.removeEventListener("abort", letGo);
        return controller.close();
      }
      buffer = new Uint8Array(value.buffer);
      controller.enqueue(value.slice());
    },
    cancel(reason) {
      signal?.removeEventListener("abort", letGo);
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
