// deno-lint-ignore-file no-console -- tells the test which facts are safe
// Remembers facts FROM to TO for the agent ana in FOLDER, one line of output a fact, then makes the vectors of all.
import { never, newFact, openTestMemory, operator } from "./room.ts";

const [folder = "", from = "0", to = "0"] = Deno.args;
await using test = await openTestMemory({ folder, longTerm: { embedder: { batch_size: 8 } } });
const { memory } = test;
const waiting = Array.from({ length: Number(to) - Number(from) }, (_, index) => Number(from) + index);
await Promise.all(Array.from({ length: 8 }, async () => {
  for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
    await memory.remember("ana", newFact(`Fact number ${number} of many`, { key: `key${number}` }), operator, never);
    console.log(number);
  }
}));
await memory.recall("ana", { text: "anything", limit: 1, counts: false }, operator, never);
await test.log.nextEntry(() => false, never);
