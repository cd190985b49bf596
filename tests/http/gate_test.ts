import assert from "node:assert/strict";
import { openHttpFixture } from "./http_fixture.ts";

/** Resolves when the other side has closed the connection. */
async function ended(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(100);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // Reset rather than ended.
  }
}

Deno.test("strangers who open connections without end take no more than 512, and probes are answered meanwhile", async () => {
  await using http = await openHttpFixture();
  const { hostname, port } = http.room.addresses.health;
  const connect = () => Deno.connect({ hostname, port: Number(port) });
  const silent: Deno.TcpConn[] = [];
  const open = async (count: number) => {
    for (let opened = 0; opened < count; opened++) silent.push(await connect());
  };
  await open(512);
  const health = await fetch(new URL("/health", http.room.addresses.health));
  assert.deepEqual([health.status, await health.json()], [200, { status: "ok" }]);
  await ended(silent[0] ?? assert.fail());
  const used = silent[64] ?? assert.fail();
  const ask = async () => {
    await used.write(new TextEncoder().encode("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const buffer = new Uint8Array(1_000);
    return new TextDecoder().decode(buffer.subarray(0, await used.read(buffer) ?? 0));
  };
  assert.match(await ask(), /^HTTP\/1\.1 200 /);
  await open(100);
  await ended(silent[90] ?? assert.fail());
  assert.match(await ask(), /^HTTP\/1\.1 200 /, "of all that were there it was not silent longest");
  assert.ok((http.metrics.valueOf("nexo_refusals_total", { part: "http", reason: "too_many_connections" }) ?? 0) > 90);
  for (const connection of silent) connection.close();
});

Deno.test("what comes in pieces through the gate arrives whole, and so does the answer", async () => {
  await using http = await openHttpFixture({ http: { max_body_bytes: 2_000_000 } });
  const { hostname, port } = http.room.addresses.health;
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const body = "x".repeat(300_000);
  const head = `POST /webhooks/none/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n`;
  const bytes = new TextEncoder().encode(`${head}Connection: close\r\n\r\n${body}`);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at, at + 30_001));
  const answer = await new Response(connection.readable).text();
  assert.match(answer, /^HTTP\/1\.1 404 [^]*\}$/);
});
