import type { SubsystemStatus } from "../core/status.ts";
import type { AgentView } from "../http/agents_api.ts";
import type { LedgerRoom } from "./ledger_room.ts";

/** How the agents stand, first as a whole. `undefined`: they have not opened yet. */
export function toAgentsStatus(agents: readonly AgentView[] | undefined): SubsystemStatus[] {
  const base = { name: "agents", critical: true };
  return agents === undefined
    ? [{ ...base, state: "starting", reason: "The agents are starting" }]
    : [{ ...base, state: "ok" }, ...agents.flatMap(toTroubleStatus)];
}

/** An agent that cannot answer is nobody's trouble but its own: the others go on, so readiness stays. */
function toTroubleStatus({ id, trouble }: AgentView): SubsystemStatus[] {
  return trouble === undefined ? [] : [{ name: `agent.${id}`, state: "down", reason: trouble, critical: false }];
}

/** Whether the ledger can be written, and is whole. */
export function toLedgerStatus(ledger: Pick<LedgerRoom, "status" | "damage">): SubsystemStatus {
  const base = { name: "ledger", critical: true };
  const status = ledger.status();
  if (status.state !== "ok") return { ...base, state: "down", reason: status.reason };
  const damage = ledger.damage();
  return damage === undefined ? { ...base, state: "ok" } : { ...base, state: "degraded", reason: damage };
}

/** Whether new messages are taken. */
export function toIntakeStatus(pausedBy: readonly string[]): SubsystemStatus {
  const base = { name: "intake", critical: true };
  if (pausedBy.length === 0) return { ...base, state: "ok" };
  const reason = pausedBy.every((one) => one === "operator")
    ? "An operator has paused it: new messages wait with their senders until somebody resumes. See: agent resume"
    : `New messages wait with their senders: ${pausedBy.join(", ").replaceAll("_", " ")}. Nothing is lost`;
  return { ...base, state: "degraded", reason };
}
