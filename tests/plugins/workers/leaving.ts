import { scope } from "./scope.ts";

/** A worker without our SDK that becomes ready and then closes itself, which the main isolate is not told by Deno. */
scope.postMessage(JSON.stringify({ type: "ready" }));
setTimeout(() => scope.close(), 0);
