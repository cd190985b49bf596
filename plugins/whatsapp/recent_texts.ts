/** Texts of messages that came lately: an answer may show the words that it answers. */
export interface RecentTexts {
  add(id: string, text: string): void;
  find(id: string): string | undefined;
}

const maxTexts = 500;
/** What a quotation shows of a text. */
const maxUnits = 500;

/** Makes {@linkcode RecentTexts} that hold none. */
export function newRecentTexts(): RecentTexts {
  const texts = new Map<string, string>();
  return {
    add(id, text) {
      texts.set(id, text.slice(0, maxUnits));
      const [oldest] = texts.keys();
      if (texts.size > maxTexts && oldest !== undefined) texts.delete(oldest);
    },
    find: (id) => texts.get(id),
  };
}
