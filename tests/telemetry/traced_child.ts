import { newTracer } from "../../src/telemetry/trace.ts";

// What the runtime does with one message, as far as traces go: the trace context rides in an event, as text.
const tracer = await newTracer(Deno.env.get("OTEL_DENO") === "true");
const receive = tracer.start("receive", { kind: "consumer", attributes: { plugin: "telegram" } });
const event = JSON.stringify({ traceparent: receive.traceparent });
receive.end();

const { traceparent } = JSON.parse(event);
const turn = tracer.start("turn", { traceparent });
const send = tracer.start("send", { traceparent: turn.traceparent, kind: "producer" });
send.set("attempt", 1);
send.end(new Deno.errors.ConnectionRefused("no route"));
send.end();
turn.end();
tracer.start("stray", { traceparent: `00-${"0".repeat(32)}-${"0".repeat(16)}-01` }).end();
tracer.start("garbled", { traceparent: "garbage" }).end();
