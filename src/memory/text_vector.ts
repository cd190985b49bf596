import { toNgramVector } from "./ngrams.ts";
import { isTelling, toWords } from "./words.ts";
import type { WordVectors } from "./word_vectors.ts";

/** Part of a similarity that the pieces of words decide; the rest is meaning. Chosen by measuring (docs/performance.md). */
const pieceShare = 0.3;

/**
 * The vector of a text: what its words mean, as far as they are known, beside what they are made of. Two texts in other
 * words find each other by the first; names, numbers, typos and other languages by the second.
 */
export function toTextVector(text: string, words: WordVectors): Float32Array {
  const meaning = new Float32Array(words.dimension);
  for (const word of new Set(toWords(text).filter(isTelling))) words.addTo(meaning, word);
  const pieces = toNgramVector(text);
  const meaningScale = Math.sqrt(1 - pieceShare) / (Math.hypot(...meaning) || 1);
  const pieceScale = Math.sqrt(pieceShare) / (Math.hypot(...pieces) || 1);
  const vector = new Float32Array(meaning.length + pieces.length);
  vector.set(meaning.map((number) => number * meaningScale));
  vector.set(pieces.map((number) => number * pieceScale), meaning.length);
  return vector;
}
