const people =
  "Anna Bo Carlos Dana Emil Fatima Greta Hugo Irene Jonas Karla Liam Mona Nils Olga Pavel Rosa Sven Tara Umar".split(
    " ",
  );
const deeds =
  ("paints repairs collects sells teaches photographs grows reviews writes delivers measures cleans builds " +
    "translates records plans forgets lends borrows orders").split(" ");
const things =
  ("bicycles violins contracts tomatoes maps engines lamps poems invoices watches boats curtains recipes " +
    "servers bridges shoes carpets radios windows puzzles medals candles helmets kites pianos ladders").split(" ");
const places =
  ("Lisbon Oslo Madrid the basement the harbour the garage the village the office Warsaw the attic the museum " +
    "Porto the forest the station the kitchen Bremen the library the valley Turin the market").split(" the ").join(" ")
    .split(" ");
const times = "Monday Tuesday January spring noon midnight autumn Sunday June weekends winter Friday".split(" ");

/** The same fact for the same number; thousands of them differ in what they say. */
export function toBenchFact(number: number): string {
  const pick = (list: readonly string[], salt: number) =>
    list[(Math.imul(number + 1, 2_654_435_761 + salt * 40_503) >>> 7) % list.length] ?? "";
  return `${pick(people, 1)} ${pick(deeds, 2)} ${pick(things, 3)} and ${pick(things, 4)} in ${pick(places, 5)} on ${
    pick(times, 6)
  }, case ${number}`;
}

/** A question about a fact, in some of its words and others. */
export function toBenchQuestion(number: number): string {
  const [person = "", deed = "", thing = ""] = toBenchFact(number).split(" ");
  return `What about ${person}, who ${deed} ${thing.slice(0, -1)} somewhere, asked for the ${number}th time?`;
}
