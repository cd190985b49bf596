import assert from "node:assert/strict";
import { z } from "zod";
import { newTracer } from "../../src/telemetry/trace.ts";

const exportSchema = z.object({
  resourceSpans: z.array(z.object({
    scopeSpans: z.array(z.object({
      spans: z.array(z.object({
        name: z.string(),
        kind: z.number(),
        traceId: z.string(),
        spanId: z.string(),
        parentSpanId: z.string().optional(),
        attributes: z.array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) })),
        status: z.object({ code: z.number().optional() }).optional(),
      })),
    })),
  })),
});
type ExportedSpan = z.output<
  typeof exportSchema
>["resourceSpans"][number]["scopeSpans"][number]["spans"][number];

/** Runs the child against a collector on loopback and gives the spans that arrived. */
async function spansOfChild(env: Readonly<Record<string, string>>): Promise<ExportedSpan[]> {
  const spans: ExportedSpan[] = [];
  await using collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body: unknown = await request.json();
    if (new URL(request.url).pathname === "/v1/traces") {
      const { resourceSpans } = exportSchema.parse(body);
      spans.push(...resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans)));
    }
    return Response.json({});
  });
  const child = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-env", "--no-prompt", new URL("./traced_child.ts", import.meta.url).pathname],
    env: {
      ...env,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    },
    stderr: "inherit",
  }).output();
  assert.ok(child.success);
  return spans;
}

Deno.test("spans reach a collector, linked from receive to send over a trace context carried in an event", async () => {
  const spans = new Map((await spansOfChild({ OTEL_DENO: "true" })).map((span) => [span.name, span]));
  const [receive, turn, send] = [spans.get("receive"), spans.get("turn"), spans.get("send")];
  assert.ok(receive !== undefined && turn !== undefined && send !== undefined);
  assert.equal(receive.parentSpanId ?? "", "");
  assert.equal(turn.parentSpanId, receive.spanId);
  assert.equal(send.parentSpanId, turn.spanId);
  assert.deepEqual(new Set([turn.traceId, send.traceId]), new Set([receive.traceId]));
  assert.deepEqual(receive.attributes, [{ key: "plugin", value: { stringValue: "telegram" } }]);
  // OpenTelemetry protocol: consumer 5, internal 1, producer 4; status 2 is an error.
  assert.deepEqual([receive.kind, turn.kind, send.kind], [5, 1, 4]);
  assert.equal(send.status?.code, 2);
  assert.deepEqual(send.attributes.find(({ key }) => key === "error.type")?.value, { stringValue: "unavailable" });
  for (const name of ["stray", "garbled"]) {
    const span = spans.get(name);
    assert.equal(span?.parentSpanId ?? "", "");
    assert.notEqual(span?.traceId, receive.traceId);
  }
});

Deno.test("without a collector nothing is sent, and every span is the same idle one", async () => {
  assert.deepEqual(await spansOfChild({ OTEL_DENO: "false" }), []);
  const tracer = await newTracer(false);
  const span = tracer.start("receive");
  assert.equal(span.traceparent, undefined);
  assert.equal(tracer.start("send"), span);
});
