import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Embedder } from "../core/memory.ts";
import type { Metrics } from "../core/metrics.ts";
import { newWorkerLink } from "./worker_link.ts";

/** Named like a model: what its vectors mean changes with this name only. */
const id = "embedded/words-1";

const vectorsSchema = z.array(z.instanceof(Float32Array));

/** Opens the embedder that is part of the program. Its worker starts with the first text. */
export function openEmbeddedEmbedder(
  deps: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics },
): Embedder & AsyncDisposable {
  const link = newWorkerLink({
    ...deps,
    name: "memory-embedder",
    make: () =>
      new Worker(new URL("./embedded_worker.ts", import.meta.url), {
        type: "module",
        name: "memory-embedder",
        deno: {
          permissions: {
            read: [new URL("./word_vectors.bin", import.meta.url)],
            write: false,
            net: false,
            env: false,
            run: false,
            ffi: false,
            sys: false,
            import: false,
          },
        },
      }),
    start: () => ({}),
    onNotice: () => {},
  });
  return {
    id,
    async embed(texts, _purpose, signal) {
      return vectorsSchema.parse(await link.ask({ type: "embed", texts }, signal));
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}
