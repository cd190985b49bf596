import type { Embedder } from "../core/memory.ts";

/** Questions whose vectors are kept: people ask the same thing again. */
const maxKept = 256;

/** Keeps the vectors of single questions; the one that was not asked for longest goes first. */
export function withCache(embedder: Embedder): Embedder {
  const kept = new Map<string, Float32Array>();
  return {
    id: embedder.id,
    async embed(texts, purpose, signal) {
      const [text] = texts;
      if (purpose === "fact" || text === undefined || texts.length > 1) return embedder.embed(texts, purpose, signal);
      const known = kept.get(text);
      const [vector] = known === undefined ? await embedder.embed(texts, purpose, signal) : [known];
      if (vector === undefined) return [];
      kept.delete(text);
      kept.set(text, vector);
      const oldest = kept.size > maxKept ? kept.keys().next().value : undefined;
      if (oldest !== undefined) kept.delete(oldest);
      return [vector];
    },
  };
}
