import { scope } from "./scope.ts";

/** A worker that does not speak the protocol. */
scope.postMessage("{not json");
