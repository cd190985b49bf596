/** The global of a worker, whose types Deno does not load by default. */
export const scope = globalThis as unknown as { postMessage(text: string): void; close(): void };
