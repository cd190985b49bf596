import { openStore } from "../../src/workspace/store.ts";

// Changes two files again and again, each time to the same number, until it is killed. Says each number that is done.
const [folder = "", first = "0"] = Deno.args;
const store = await openStore({ folder, now: Date.now, secrets: () => [] });
for (let number = Number(first);; number++) {
  const text = `${number}\n`.repeat(200);
  await store.change(
    [{ path: "MEMORY.md", kind: "replace", text }, { path: "notes/2026-11-22.md", kind: "replace", text }],
    { author: "ana", why: `number ${number}` },
    "operator",
  );
  await Deno.stdout.write(new TextEncoder().encode(`${number}\n`));
}
