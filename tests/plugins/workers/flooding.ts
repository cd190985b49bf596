import { scope } from "./scope.ts";

/** A worker without our SDK that hands over messages without asking whether it may. */
scope.postMessage(JSON.stringify({ type: "ready" }));
for (let id = 1; id <= 1_000; id++) {
  const message = { conversation: "chat", providerMessageId: `m${id}`, sender: { id: "someone" } };
  scope.postMessage(JSON.stringify({ type: "request", id, request: { method: "receive", message } }));
}
