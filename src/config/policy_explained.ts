import { policyKeys } from "./agents.ts";
import type { Explanation } from "./explain.ts";

/** One setting of a policy as it is in force, by its name in the agent: `budget.daily_usd`. */
export interface PolicySetting extends Explanation {
  /** What decides it: the binding on which a message comes in, the agent, or nobody. */
  readonly from: "binding" | "agent" | "default";
}

/**
 * The policy under which an agent answers, with the values of a binding over the agent's own.
 *
 * @param explain Settings in force below a path, and where each comes from.
 * @param binding Place of the binding in the agent's list. Absent: the console and programs, which need none.
 */
export function explainPolicy(
  explain: (path: string) => readonly Explanation[],
  agent: string,
  binding: number | undefined,
): readonly PolicySetting[] {
  const root = `agents.${agent}.`;
  const inBinding = `inbound_bindings[${binding}].`;
  const all = explain(`agents.${agent}`).map((setting) => ({ ...setting, path: setting.path.slice(root.length) }));
  const own = all.filter(({ path }) => binding !== undefined && path.startsWith(inBinding))
    .map((setting): PolicySetting => ({ ...setting, path: setting.path.slice(inBinding.length), from: "binding" }));
  const replaced = policyKeys.filter((key) => own.some(({ path }) => isAt(path, key)));
  const shared = all.filter(({ path }) => !isAt(path, "inbound_bindings") && !replaced.some((key) => isAt(path, key)))
    .map((setting): PolicySetting => ({ ...setting, from: setting.origin === "default" ? "default" : "agent" }));
  // What is not set decides too: without `allowed_tools` there are only the harmless ones.
  const absent = policyKeys.filter((key) => ![...own, ...shared].some(({ path }) => isAt(path, key)))
    .flatMap((key) =>
      explain(`${root}${key}`).map((setting): PolicySetting => ({ ...setting, path: key, from: "default" }))
    );
  return [
    ...own.map((setting): PolicySetting => setting.origin === "default" ? { ...setting, from: "default" } : setting),
    ...shared,
    ...absent,
  ];
}

function isAt(path: string, key: string): boolean {
  return path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`);
}
