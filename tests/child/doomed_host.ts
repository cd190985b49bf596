// deno-lint-ignore-file no-console -- says on standard output that it can be killed
import { bareSystem, startChild, toShellSpec } from "./children.ts";

// Starts a child behind walls and one without, each with a child of its own or in its place, and waits to be killed.
const [folder = "", rest = ""] = Deno.args;
const boxed = await startChild(toShellSpec(folder, `echo up; ${rest}; :`));
const bare = await startChild(toShellSpec(folder, `echo up; exec ${rest}`), bareSystem);
for (const child of [boxed, bare]) await child.lines[Symbol.asyncIterator]().next();
console.log("both are up");
await bare.ended;
