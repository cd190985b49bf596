/// <reference lib="deno.worker" />
// The embedder that is part of the program, off the main isolate: it needs no key and no network.
import { toErrorRecord } from "../core/error.ts";
import { toTextVector } from "./text_vector.ts";
import { readWordVectors } from "./word_vectors.ts";

const words = readWordVectors(Deno.readFileSync(new URL("./word_vectors.bin", import.meta.url)));

self.onmessage = (
  { data: request }: MessageEvent<
    { readonly type: string; readonly id?: number; readonly texts?: readonly string[] }
  >,
) => {
  switch (request.type) {
    case "ping":
      return self.postMessage({ type: "pong", open: 0 });
    case "close":
      self.postMessage({ type: "closed" });
      return self.close();
    case "embed":
      try {
        const value = (request.texts ?? []).map((text) => toTextVector(text, words));
        return self.postMessage({ type: "answer", id: request.id, value });
      } catch (thrown) {
        return self.postMessage({ type: "refused", id: request.id, error: toErrorRecord(thrown) });
      }
  }
};
