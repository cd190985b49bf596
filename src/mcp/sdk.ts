/** The MCP library. Loaded with the first server, since it costs 30 MB and 80 ms that nobody else should pay. */
export type Sdk = typeof import("@modelcontextprotocol/client");

/** Loads the {@linkcode Sdk}. */
export function loadSdk(): Promise<Sdk> {
  return import("@modelcontextprotocol/client");
}
