import type { Row } from "./fact_row.ts";
import { saysTheSame, toGist } from "./words.ts";

/** Rows of facts that say the same to the same people. Facts are compared where they share their rarest word. */
export function groupAlike(rows: readonly Row[]): number[][] {
  const items = rows.map((row) => ({
    row: Number(row["row"]),
    gist: toGist(String(row["text"])),
    told: JSON.stringify([row["audience"], row["person"], row["place"]]),
  }));
  const counts = new Map<string, number>();
  for (const { gist } of items) for (const word of gist) counts.set(word, (counts.get(word) ?? 0) + 1);
  const shelves = new Map<string, (typeof items)[number][][]>();
  for (const item of items) {
    const words = [...item.gist].sort((one, other) => (counts.get(one) ?? 0) - (counts.get(other) ?? 0));
    // Two texts that share four fifths of their words share one of the rarest two of either.
    const places = words.slice(0, 2).map((word) => `${item.told} ${word}`);
    const group = places.flatMap((place) => shelves.get(place) ?? []).find(([first]) =>
      first !== undefined && saysTheSame(item.gist, first.gist)
    );
    if (group !== undefined) {
      group.push(item);
      continue;
    }
    const own = [item];
    for (const place of places) shelves.set(place, [...shelves.get(place) ?? [], own]);
  }
  const groups = new Set([...shelves.values()].flat().filter((group) => group.length > 1));
  return [...groups].sort((one, other) => other.length - one.length).map((group) => group.map(({ row }) => row));
}
