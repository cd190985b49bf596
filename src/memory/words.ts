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

/** Lower case without the accents of Latin letters, as the full-text index has them. */
export function fold(text: string): string {
  return text.normalize("NFD").replace(/(\p{Script=Latin})[\u0300-\u036f]+/gu, "$1").normalize("NFC").toLowerCase();
}

/** The words of a text, folded, in order, with repetitions. */
export function toWords(text: string): string[] {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Whether a folded word can tell facts apart. */
export function isTelling(word: string): boolean {
  return !stopWords.has(word);
}

/** The words of a question that can tell facts apart, each once, folded. All words where it has no other. */
export function toAskedWords(text: string): string[] {
  const words = [...new Set(toWords(text))];
  const telling = words.filter(isTelling);
  return (telling.length === 0 ? words : telling).slice(0, maxWords);
}

/** A word as an FTS5 string: between quotes nothing is an operator. Words hold letters and digits only. */
export function toTerm(word: string): string {
  return `"${word}"`;
}

/** What a text says, as the set of its telling words: for finding what says the same. */
export function toGist(text: string): ReadonlySet<string> {
  const words = toWords(text);
  const telling = words.filter(isTelling);
  return new Set(telling.length === 0 ? words : telling);
}

/** From this part of common words on, two texts say the same. */
const sameGist = 0.8;

/**
 * Whether two texts say nearly the same: most of their telling words are common, and every number is. `the code is 12`
 * and `the code is 13` say different things, however alike they look.
 */
export function saysTheSame(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const added = [...one].filter((word) => !other.has(word));
  const missing = [...other].filter((word) => !one.has(word));
  if ([...added, ...missing].some((word) => /\p{N}/u.test(word))) return false;
  const common = one.size - added.length;
  return common > 0 && common / (one.size + missing.length) >= sameGist;
}
