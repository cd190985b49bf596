/** Starts a worker without any permission that tries to load a package, and writes what became of it. */
const worker = new Worker(new URL("./npm_import.ts", import.meta.url), {
  type: "module",
  deno: { permissions: "none" },
});
worker.onmessage = async (event) => {
  await Deno.stdout.write(new TextEncoder().encode(event.data));
  worker.terminate();
};
