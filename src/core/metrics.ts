/** Kind of a metric, as Prometheus has them. */
export type MetricType = "counter" | "gauge" | "histogram";

interface MetricDefinition {
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in the unit of its name. */
  readonly buckets?: readonly number[];
}

const fastSeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;
const modelSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const;

/**
 * Every metric there is. The exporter, the docs page and the test that scrapes are all made from this table, so a
 * metric that is documented is emitted and the other way round.
 */
export const metricTable = {
  nexo_build_info: { type: "gauge", help: "Always 1; the labels say what runs.", labels: ["version", "deno"] },
  nexo_process_resident_memory_bytes: { type: "gauge", help: "Resident memory of the process.", labels: [] },
  nexo_event_loop_lag_seconds: {
    type: "histogram",
    help: "How late a timer of the main isolate fires.",
    labels: [],
    buckets: fastSeconds,
  },
  nexo_inbound_total: {
    type: "counter",
    help: "Messages accepted from channels and committed to the inbox.",
    labels: ["plugin", "instance"],
  },
  nexo_dedupe_hits_total: {
    type: "counter",
    help: "Messages dropped because they were accepted before.",
    labels: ["plugin", "instance"],
  },
  nexo_refusals_total: {
    type: "counter",
    help: "Messages, calls and requests refused, by the part that refused and why.",
    labels: ["part", "reason"],
  },
  nexo_pairing_total: {
    type: "counter",
    help: "What became of unknown senders: code_given, approved, denied, revoked, expired.",
    labels: ["plugin", "instance", "event"],
  },
  nexo_queue_depth: {
    type: "gauge",
    help: "Rows waiting: inbox (ready), outbox (queued or sending), spill, dead.",
    labels: ["queue"],
  },
  nexo_queue_oldest_seconds: { type: "gauge", help: "Age of the oldest waiting row.", labels: ["queue"] },
  nexo_dead_letters_total: {
    type: "counter",
    help: "Dead letters written, by hop and error kind.",
    labels: ["hop", "kind"],
  },
  nexo_turns_total: { type: "counter", help: "Turns ended, by outcome.", labels: ["agent", "outcome"] },
  nexo_turns_running: { type: "gauge", help: "Turns running now.", labels: [] },
  nexo_turns_resumed_total: {
    type: "counter",
    help: "Turns resumed from their journal after a restart.",
    labels: ["agent"],
  },
  nexo_turn_seconds: {
    type: "histogram",
    help: "Time of a turn by part: queue (accepted to started), prepare, model, tools, commit, total.",
    labels: ["part"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  },
  nexo_lanes: { type: "gauge", help: "Sessions with work queued or running.", labels: [] },
  nexo_outbound_total: {
    type: "counter",
    help: "Sends that ended, by result: sent, dead, unknown.",
    labels: ["plugin", "instance", "result"],
  },
  nexo_outbound_retries_total: {
    type: "counter",
    help: "Sends tried again.",
    labels: ["plugin", "instance"],
  },
  nexo_tool_calls_total: {
    type: "counter",
    help: "Tool calls by outcome: ok, error, denied, vetoed, limited, invalid, timeout, interrupted, unknown.",
    labels: ["agent", "tool", "outcome"],
  },
  nexo_tool_seconds: { type: "histogram", help: "Time of a tool call.", labels: ["tool"], buckets: modelSeconds },
  nexo_hook_total: {
    type: "counter",
    help: "Hook runs by result: passed, changed, vetoed, failed.",
    labels: ["hook", "result"],
  },
  nexo_llm_requests_total: {
    type: "counter",
    help: "Model calls by result: ok or the error kind.",
    labels: ["provider", "model", "result"],
  },
  nexo_llm_retries_total: {
    type: "counter",
    help: "Model calls tried again, by the error kind.",
    labels: ["provider", "kind"],
  },
  nexo_llm_seconds: {
    type: "histogram",
    help: "Time of a model call, by stage: first (first chunk), total.",
    labels: ["provider", "model", "stage"],
    buckets: modelSeconds,
  },
  nexo_llm_tokens_total: {
    type: "counter",
    help: "Tokens by kind: input, output, cache_read, cache_write.",
    labels: ["agent", "provider", "model", "kind"],
  },
  nexo_llm_cost_usd_total: {
    type: "counter",
    help: "Money spent on models, in US dollars.",
    labels: ["agent", "provider", "model"],
  },
  nexo_dreams_total: {
    type: "counter",
    help: "Dreams by result: done, failed, reverted.",
    labels: ["agent", "result"],
  },
  nexo_compactions_total: {
    type: "counter",
    help: "Older parts of sessions summed up, by result: done, failed.",
    labels: ["agent", "result"],
  },
  nexo_budget_used_ratio: {
    type: "gauge",
    help: "Part of a budget that is used, by period (day, month) and unit (usd, tokens).",
    labels: ["agent", "period", "unit"],
  },
  nexo_breaker_state: { type: "gauge", help: "0 closed, 1 half open, 2 open.", labels: ["breaker"] },
  nexo_worker_restarts_total: {
    type: "counter",
    help: "Workers of plugins and of memory restarted, by reason: crashed, hung, left, start_failed.",
    labels: ["plugin", "instance", "reason"],
  },
  nexo_worker_up: {
    type: "gauge",
    help: "1 while the plugin's worker answers its heartbeat.",
    labels: ["plugin", "instance"],
  },
  nexo_extension_up: { type: "gauge", help: "1 while the extension answers.", labels: ["extension"] },
  nexo_extension_restarts_total: { type: "counter", help: "Extensions started again.", labels: ["extension"] },
  nexo_ledger_commit_seconds: {
    type: "histogram",
    help: "Time from commit() to the fsync that holds the unit.",
    labels: [],
    buckets: fastSeconds,
  },
  nexo_ledger_units_total: {
    type: "counter",
    help: "Units committed, by result: ok or the error kind.",
    labels: ["result"],
  },
  nexo_memory_calls_total: {
    type: "counter",
    help: "Calls of long-term memory by operation, and by result: ok or the error kind.",
    labels: ["operation", "result"],
  },
  nexo_memory_seconds: {
    type: "histogram",
    help: "Time of a call of long-term memory, the vector of its question included.",
    labels: ["operation"],
    buckets: fastSeconds,
  },
  nexo_memory_indexed_total: { type: "counter", help: "Facts whose vector was stored.", labels: ["agent"] },
  nexo_embeddings_total: {
    type: "counter",
    help: "Texts made into vectors, by result: ok or the error kind.",
    labels: ["embedder", "result"],
  },
  nexo_ledger_size_bytes: { type: "gauge", help: "Size of the ledger file with its WAL.", labels: [] },
  nexo_intake_paused: { type: "gauge", help: "1 while new messages are held back, by reason.", labels: ["reason"] },
  nexo_config_generation: { type: "gauge", help: "Number of the config in force; grows with each reload.", labels: [] },
  nexo_config_reloads_total: {
    type: "counter",
    help: "Config reloads by result: applied, refused.",
    labels: ["result"],
  },
  nexo_mcp_server_up: { type: "gauge", help: "1 while the MCP server is connected.", labels: ["server"] },
  nexo_mcp_list_changes_total: {
    type: "counter",
    help: "Notifications of an MCP server that its tools, resources or prompts have changed.",
    labels: ["server"],
  },
  nexo_mcp_tools_held: {
    type: "gauge",
    help: "Tools of an MCP server that wait for the operator's word.",
    labels: ["server"],
  },
  nexo_mcp_sessions: { type: "gauge", help: "Sessions of programs at our own MCP server.", labels: [] },
  nexo_http_requests_total: {
    type: "counter",
    help: "HTTP requests answered, by listener and status.",
    labels: ["listener", "status"],
  },
} as const satisfies Record<string, MetricDefinition>;

/** Name of a metric. */
export type MetricName = keyof typeof metricTable;

/** The labels that a metric must be given: all of them, as text. */
export type MetricLabels<N extends MetricName> = Readonly<Record<(typeof metricTable)[N]["labels"][number], string>>;

type NamesOf<T extends MetricType> = {
  [N in MetricName]: (typeof metricTable)[N]["type"] extends T ? N : never;
}[MetricName];

/** Where the parts of the program count. */
export interface Metrics {
  /** Adds `by` (1 by default) to a counter. */
  count<N extends NamesOf<"counter">>(name: N, labels: MetricLabels<N>, by?: number): void;
  /** Sets a gauge; `undefined` takes it away with what it was about, so that what is gone does not count as down. */
  gauge<N extends NamesOf<"gauge">>(name: N, labels: MetricLabels<N>, value: number | undefined): void;
  /** Records one observation of a histogram, in the unit of its name. */
  observe<N extends NamesOf<"histogram">>(name: N, labels: MetricLabels<N>, value: number): void;
}
