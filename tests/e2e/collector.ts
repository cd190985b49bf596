import { z } from "zod";
import { newWatch } from "../fixtures/watch.ts";

const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
});
const exportSchema = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })) })).default([]),
});
/** A span, as far as tests look at it. */
export type CollectedSpan = z.output<typeof spanSchema>;

/** An OpenTelemetry collector that keeps what it is sent. */
export interface Collector extends AsyncDisposable {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` must be; the protocol is `http/json`. */
  readonly url: string;
  spans(): readonly CollectedSpan[];
  /** Resolves when `predicate` holds for the spans so far. */
  until(predicate: (spans: readonly CollectedSpan[]) => boolean, signal: AbortSignal): Promise<void>;
}

/** Opens a {@linkcode Collector} on 127.0.0.1. */
export function openCollector(): Collector {
  const spans: CollectedSpan[] = [];
  const { changed, until } = newWatch();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body: unknown = await request.json();
    if (new URL(request.url).pathname === "/v1/traces") {
      const { resourceSpans } = exportSchema.parse(body);
      for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
      changed();
    }
    return Response.json({});
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    spans: () => [...spans],
    async until(predicate, signal) {
      await until(() => predicate(spans) || undefined, signal);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
