// Commits rows until it is killed, and prints the number of each as soon as it is acknowledged.
import { openTestLedger, writeRow } from "./opening.ts";

const [path = ""] = Deno.args;
const { ledger } = await openTestLedger(path);
const encoder = new TextEncoder();
let next = 1;
const work = async () => {
  while (true) {
    const id = next++;
    await ledger.commit([writeRow(id)]);
    Deno.stdout.writeSync(encoder.encode(`${id}\n`));
  }
};
await Promise.all(Array.from({ length: 8 }, work));
