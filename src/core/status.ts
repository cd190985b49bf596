/** How one part of the process stands, for `/ready`, `agent status` and the console. */
export interface SubsystemStatus {
  /** Dotted name: `ledger`, `bus`, `plugin.telegram.sales`, `llm.anthropic`. */
  readonly name: string;
  readonly state: "ok" | "starting" | "degraded" | "down";
  /** A sentence for the operator, with the remedy. Always there when the state is not `ok`. */
  readonly reason?: string;
  /** Whether `/ready` must answer 503 while this is not `ok`. */
  readonly critical: boolean;
}
