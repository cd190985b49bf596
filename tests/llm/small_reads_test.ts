import assert from "node:assert/strict";
import { withSmallReads } from "../../src/llm/small_reads.ts";

/** Serves `answer` on loopback and gives what a `fetch` with small reads makes of it. */
async function ask(answer: () => Response, use: (response: Response) => Promise<void>): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  await use(await withSmallReads(fetch)(`http://127.0.0.1:${server.addr.port}/`));
  await server.shutdown();
}

Deno.test("an answer larger than the buffer comes whole, with its status and headers", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  await ask(() => new Response(bytes, { status: 429, headers: { "retry-after": "7" } }), async (response) => {
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("retry-after"), "7");
    assert.deepEqual(await response.bytes(), bytes);
  });
});

Deno.test("pieces of a streamed answer come as they are sent and are not written over by later ones", async () => {
  const pieces = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const writer = pieces.writable.getWriter();
  await ask(() => new Response(pieces.readable), async (response) => {
    assert.ok(response.body);
    const reader = response.body.getReader();
    const read: (Uint8Array | undefined)[] = [];
    for (const piece of [Uint8Array.of(1, 2), Uint8Array.of(3)]) {
      await writer.write(piece);
      read.push((await reader.read()).value);
    }
    assert.deepEqual(read, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    await writer.close();
    assert.equal((await reader.read()).done, true);
  });
});

Deno.test("leaving an answer early reaches the server", async () => {
  const left = Promise.withResolvers<void>();
  const endless = () =>
    new ReadableStream({ pull: (to) => to.enqueue(Uint8Array.of(1)), cancel: () => left.resolve() });
  await ask(() => new Response(endless()), async (response) => {
    await response.body?.cancel();
    await left.promise;
  });
});

Deno.test("an answer without a body stays one", async () => {
  await ask(() => new Response(null, { status: 204 }), async (response) => {
    assert.equal(response.status, 204);
    assert.equal(await response.text(), "");
  });
});
