import { toAskedWords } from "./words.ts";

/** Numbers of a vector: with the 100 of a word's meaning they are 384. */
const ngramDimension = 284;
/** Lengths of the pieces that a word is cut into. */
const pieceLengths = [3, 4, 5] as const;
/** Where a sign is a syllable or a word, and words are not set apart. */
const signPieceLengths = [1, 2, 3] as const;
const signs = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const wordWeight = 1;
const pieceWeight = 0.5;

/**
 * The vector of a text from the pieces of its words, hashed: words of one stem and words with a typo share most pieces,
 * in every language that writes letters. What it cannot know is that two different words mean the same.
 */
export function toNgramVector(text: string): Float32Array {
  const vector = new Float32Array(ngramDimension);
  const words = toAskedWords(text);
  for (const word of words.length === 0 ? [text] : words) {
    add(vector, word, wordWeight);
    const bounded = `<${word}>`;
    for (const length of signs.test(word) ? signPieceLengths : pieceLengths) {
      const count = bounded.length - length + 1;
      for (let at = 0; at < count; at++) add(vector, bounded.slice(at, at + length), pieceWeight / Math.sqrt(count));
    }
  }
  return vector;
}

function add(vector: Float32Array, feature: string, weight: number): void {
  const hash = hashOf(feature);
  const index = (hash >>> 1) % ngramDimension;
  vector[index] = (vector[index] ?? 0) + (hash & 1 ? weight : -weight);
}

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) over UTF-16 units, with a last mixing of the bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash ^= text.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ hash >>> 12) >>> 0;
}
