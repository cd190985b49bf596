import type { Context, Span as ApiSpan } from "@opentelemetry/api";
import { toAppError } from "../core/error.ts";
import type { Span, Tracer } from "../core/trace.ts";

/** Version 00 of https://www.w3.org/TR/trace-context/#traceparent-header: trace id, parent id, flags. */
const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

const unrecorded: Span = { traceparent: undefined, set() {}, end() {} };

/**
 * Makes the tracer of the process.
 *
 * @param enabled Whether Deno exports spans, that is whether `OTEL_DENO` is `true`. Where it is not, nothing is loaded
 * and every span is the same idle one.
 */
export async function newTracer(enabled: boolean): Promise<Tracer> {
  if (!enabled) return { start: () => unrecorded };
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import("@opentelemetry/api");
  const kinds = {
    internal: SpanKind.INTERNAL,
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    producer: SpanKind.PRODUCER,
    consumer: SpanKind.CONSUMER,
  } as const;
  const tracer = trace.getTracer("nexo");

  const contextOf = (traceparent: string | undefined): Context => {
    const [, traceId, spanId, flags] = traceparentPattern.exec(traceparent ?? "") ?? [];
    if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
    // A trace context from outside may be malformed; a broken one starts a trace of its own, as the standard says.
    if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return ROOT_CONTEXT;
    return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true });
  };
  const toSpan = (span: ApiSpan): Span => {
    const { traceId, spanId, traceFlags } = span.spanContext();
    let open = true;
    return {
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
      set: (name, value) => void span.setAttribute(name, value),
      end(error) {
        if (!open) return;
        open = false;
        if (error !== undefined) {
          const { kind, message } = toAppError(error);
          span.setAttribute("error.type", kind);
          span.setStatus({ code: SpanStatusCode.ERROR, message });
        }
        span.end();
      },
    };
  };
  return {
    start(name, options = {}) {
      const { traceparent, kind = "internal", attributes = {} } = options;
      return toSpan(tracer.startSpan(name, { kind: kinds[kind], attributes }, contextOf(traceparent)));
    },
  };
}
