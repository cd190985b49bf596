/** Words that stand in most texts and tell none apart; English and Spanish, without accents. */
const stopWords: ReadonlySet<string> = new Set(
  ("a about all also am an and any are as at be been but by can could did do does doing for from get had has have he her " +
    "him his how i if in into is it its just me my no not of on or our out she should so some such than that the their " +
    "them then there these they this those to too up us was we were what when where which who whom whose why will with " +
    "would you your " +
    "al algo alguna alguno ante como con cual cuales cuando cuanto de del desde donde e el ella ellas ellos en entre era " +
    "eran es esa ese eso esta estaba estan estas este esto estos fue fueron ha hace han hay la las le les lo los mas me mi " +
    "mis mucho muy nos nuestra nuestro o otra otro para pero poco por porque que quien se ser si sin sobre son su sus " +
    "tambien te tiene tienen todo tu tus u un una uno unos y ya yo").split(" "),
);

/** Words that a question is cut to: more make it slower, not better. */
const maxWords = 32;
/** A word longer than this is no word; it is cut. */
const maxWordLength = 64;

/** Lower case without accents, as the full-text index has it. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
}

/** The words of a text, folded, in order, with repetitions. */
export function toWords(text: string): string[] {
  return (fold(text).match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => word.slice(0, maxWordLength));
}

/** Whether a folded word can tell facts apart. */
export function isTelling(word: string): boolean {
  return !stopWords.has(word);
}

/** The words of a question that can tell facts apart, each once. All words where it has no other. */
export function toAskedWords(text: string): string[] {
  const words = [...new Set(toWords(text))];
  const telling = words.filter(isTelling);
  return (telling.length === 0 ? words : telling).slice(0, maxWords);
}

/** A word as an FTS5 string: between quotes nothing is an operator. Words hold letters and digits only. */
export function toTerm(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

/** What a text says, as the set of its telling words: for finding what says the same. */
export function toGist(text: string): ReadonlySet<string> {
  return new Set(toAskedWords(text.slice(0, 2_000)));
}

/** From this part of common words on, two texts say the same. */
const sameGist = 0.8;

/**
 * Whether two texts say nearly the same: most of their telling words are common, and every number is. `the code is 12`
 * and `the code is 13` say different things, however alike they look.
 */
export function saysTheSame(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  let common = 0;
  for (const word of one) {
    if (other.has(word)) common++;
    else if (/\p{N}/u.test(word)) return false;
  }
  for (const word of other) if (!one.has(word) && /\p{N}/u.test(word)) return false;
  const all = one.size + other.size - common;
  return all > 0 && common / all >= sameGist;
}
