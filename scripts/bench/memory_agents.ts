// deno-lint-ignore-file no-console -- tells the bench what it measured
// Memory of a process that recalls for each agent in FOLDER: bytes beyond what it took before.
import { never, openTestMemory, operator } from "../../tests/memory/room.ts";
import { toBenchQuestion } from "./memory_facts.ts";

const [folder = ""] = Deno.args;
const before = Deno.memoryUsage().rss;
await using test = await openTestMemory({ folder });
for (let round = 0; round < 3; round++) {
  for await (const { name } of Deno.readDir(folder)) {
    const query = { text: toBenchQuestion(round), limit: 8, counts: true };
    await test.memory.recall(name, query, operator, never);
  }
}
console.log(Deno.memoryUsage().rss - before);
