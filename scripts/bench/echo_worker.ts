/** What a worker is to its own code; Deno's default types describe only the main isolate. */
interface WorkerScope {
  postMessage(text: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: string }) => void): void;
}

const scope = globalThis as unknown as WorkerScope; // eraser: the types of the worker's global are not loaded
scope.addEventListener("message", ({ data }) => scope.postMessage(JSON.stringify(JSON.parse(data))));
