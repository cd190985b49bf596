/**
 * A door to `target` for programs that bring no token: it adds that to each request and leaves all else as it came, host
 * name and origin too. One request a connection.
 */
export function openTokenDoor(target: URL, token: string): { readonly port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const serving = serve();

  async function serve(): Promise<void> {
    const passing: Promise<void>[] = [];
    for await (const connection of listener) passing.push(pass(connection));
    await Promise.all(passing);
  }

  async function pass(inside: Deno.TcpConn): Promise<void> {
    open.add(inside);
    try {
      const outside = await Deno.connect({ hostname: target.hostname, port: Number(target.port) });
      open.add(outside);
      const answer = outside.readable.pipeTo(inside.writable);
      await Promise.all([inside.readable.pipeThrough(addToken(token)).pipeTo(outside.writable), answer]);
    } catch {
      // One of both has gone, and so the other goes.
    } finally {
      for (const connection of [...open]) {
        if (connection === inside) open.delete(connection);
      }
    }
  }

  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) {
        try {
          connection.close();
        } catch {
          // It was closed by what it was piped to.
        }
      }
      await serving;
    },
  };
}

/** Puts the token into the head of a request, and asks for the connection to be closed after it. */
function addToken(token: string): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let head = "";
  let isPast = false;
  return new TransformStream({
    transform(chunk, controller) {
      if (isPast) return controller.enqueue(chunk);
      head += Array.from(chunk, (byte) => String.fromCharCode(byte)).join("");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      isPast = true;
      const [first = "", ...lines] = head.slice(0, end).split("\r\n");
      const kept = lines.filter((line) => !/^connection:/i.test(line));
      const text = [first, ...kept, `authorization: Bearer ${token}`, "connection: close"].join("\r\n") +
        head.slice(end);
      controller.enqueue(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
    },
  });
}
