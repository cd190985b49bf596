import { z } from "zod";

const caseSchema = z.object({
  language: z.enum(["en", "es"]),
  /**
   * - `words`: the question holds words of the fact. - `forms`: it holds other forms of them. - `paraphrase`: it asks for
   * the same in other words; no telling word is common.
   */
  kind: z.enum(["words", "forms", "paraphrase"]),
  fact: z.string(),
  question: z.string(),
});
/** One fact and a question that it answers. */
export type RecallCase = z.output<typeof caseSchema>;

/** Facts with a question each, written for measuring how well they are found. */
export async function readRecallSet(): Promise<readonly RecallCase[]> {
  const text = await Deno.readTextFile(new URL("./recall_set.psv", import.meta.url));
  return text.trim().split("\n").map((line) => {
    const [language, kind, fact, question] = line.split("|");
    return caseSchema.parse({ language, kind, fact, question });
  });
}

/** Share of the cases of which the fact is among the first five that are found. `found` gives places in the set. */
export async function measureRecall(
  set: readonly RecallCase[],
  found: (question: string) => Promise<readonly number[]>,
  belongs: (one: RecallCase) => boolean = () => true,
): Promise<number> {
  let hits = 0;
  let asked = 0;
  for (const [place, one] of set.entries()) {
    if (!belongs(one)) continue;
    asked++;
    if ((await found(one.question)).slice(0, 5).includes(place)) hits++;
  }
  return hits / asked;
}
