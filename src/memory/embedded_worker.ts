/// <reference lib="deno.worker" />
// The embedder that is part of the program, off the main isolate: it needs no key, no network and no file.
import { toNgramVector } from "./ngrams.ts";

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
      return self.postMessage({ type: "answer", id: request.id, value: (request.texts ?? []).map(toNgramVector) });
  }
};
