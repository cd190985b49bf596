/** One timed part of the way of a message. */
export interface Span {
  /** W3C trace context to hand on, where tracing is on. */
  readonly traceparent: string | undefined;
  set(name: string, value: string | number | boolean): void;
  /** Ends the span; `error` marks it failed. Ending twice is harmless. */
  end(error?: unknown): void;
}

/** Makes spans. Without a collector it makes ones that cost nothing. */
export interface Tracer {
  start(name: string, options?: {
    /** Trace context of the parent. */
    readonly traceparent?: string | undefined;
    readonly kind?: "internal" | "server" | "client" | "producer" | "consumer";
    readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  }): Span;
}
