import assert from "node:assert/strict";
import { type BusView, busViewSchema } from "../../src/http/bus_api.ts";
import { openHttpFixture, token } from "./http_fixture.ts";

const quiet: BusView = { subjects: [], consumers: [], outbox: [], spill: [] };
const busy: BusView = { ...quiet, outbox: [{ channel: "telegram.sales", waiting: 3, oldestSeconds: 61 }] };

Deno.test("how the bus stands is told once, and again whenever it changes", async () => {
  let view = quiet;
  await using http = await openHttpFixture({ busDesk: { view: () => Promise.resolve(view) } });
  assert.deepEqual(busViewSchema.parse(await (await http.admin("/api/bus")).json()), quiet);

  const response = await http.admin("/api/bus/live");
  assert.match(response.headers.get("content-type") ?? "", /event-stream/);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader?.read())?.value, `event: bus\ndata: ${JSON.stringify(quiet)}\n\n`);
  await http.clock.untilWaiting(1);
  view = busy;
  const told = reader?.read();
  await http.clock.advance(2_000);
  assert.equal((await told)?.value, `event: bus\ndata: ${JSON.stringify(busy)}\n\n`);
  await reader?.cancel();
});

Deno.test("a look that failed is written down, and the next one is told", async () => {
  let isBroken = true;
  await using http = await openHttpFixture({
    busDesk: { view: () => isBroken ? Promise.reject(new Error("disk I/O error")) : Promise.resolve(quiet) },
  });
  const response = await http.admin("/api/bus/live", { headers: { authorization: `Bearer ${token}` } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const told = reader?.read();
  await http.log.nextEntry(({ event }) => event === "http.bus_view_failed", AbortSignal.timeout(60_000));
  isBroken = false;
  await http.clock.advance(2_000);
  assert.match((await told)?.value ?? "", /event: bus/);
  await reader?.cancel();
});

Deno.test("all who watch the bus share one look at the ledger", async () => {
  let looks = 0;
  await using http = await openHttpFixture({
    busDesk: { view: () => Promise.resolve({ ...quiet, spill: [spillOf(++looks)] }) },
  });
  const readers = await Promise.all(
    [1, 2, 3].map(async () =>
      (await http.admin("/api/bus/live")).body?.pipeThrough(new TextDecoderStream()).getReader()
    ),
  );
  const readAll = async () => (await Promise.all(readers.map((reader) => reader?.read()))).map((told) => told?.value);
  const told = (look: number) => `event: bus\ndata: ${JSON.stringify({ ...quiet, spill: [spillOf(look)] })}\n\n`;
  assert.deepEqual(await readAll(), [told(1), told(1), told(1)]);
  await http.clock.untilWaiting(3);
  const next = readAll();
  await http.clock.advance(2_000);
  assert.deepEqual(await next, [told(2), told(2), told(2)]);
  for (const reader of readers) await reader?.cancel();
});

function spillOf(waiting: number): BusView["spill"][number] {
  return { subject: "s", waiting, oldestSeconds: 0 };
}
