import { compareLines } from "../src/lib/compare_lines.ts";
import { Patch } from "./ui.tsx";

/** How one text becomes another, line by line. */
export function Difference({ before, after }: { readonly before: string; readonly after: string }) {
  return <Patch text={compareLines(before.split("\n"), after.split("\n")).join("\n")} />;
}
