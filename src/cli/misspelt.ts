import type { RouteMap } from "@stricli/core";
import { didYouMean } from "../config/fault.ts";
import type { CliContext } from "./context.ts";

/**
 * Says which command is not known; `undefined` where none is misspelt. For commands with others below them that can be
 * left out, `agent setup` for one: their parser takes the next word for an argument, which they do not have.
 *
 * @param before The words before `inputs`.
 */
export function findMisspelt(
  target: RouteMap<CliContext>,
  inputs: readonly string[],
  before = "agent",
): string | undefined {
  const [word, ...rest] = inputs;
  if (word === undefined || word.startsWith("-")) return undefined;
  const entries = target.getAllEntries().map(({ name, target }) => ({ name: name["convert-camel-to-kebab"], target }));
  const next = entries.find(({ name }) => name === word)?.target;
  if (next !== undefined) return "getAllEntries" in next ? findMisspelt(next, rest, `${before} ${word}`) : undefined;
  const preset = target.getDefaultCommand();
  if (preset === undefined || preset.parameters.positional !== undefined) return undefined;
  const names = entries.map(({ name }) => name);
  return `There is no ${before} ${word}.${didYouMean(word, names)} There are: ${names.join(", ")}`;
}
