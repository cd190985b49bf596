import type { ToolView } from "../../src/http/tools_api.ts";
import { Pill } from "../ui.tsx";
import { count, duration } from "../words.ts";

/** Who offers a tool, in words. */
export const origins = { nexo: "built in", plugin: "plugin", extension: "extension", mcp: "MCP server" } as const;

/** What running a tool twice does, in words. */
export const effects = {
  none: "only looks",
  idempotent: "safe to run again",
  once: "not run again after a crash",
} as const;

/** Whether calls of a tool pass, in words. */
export const breakers = { closed: "calls pass", half_open: "being tried again", open: "refused for now" } as const;

/** One tool, and how its calls of the last hour went. */
export function ToolRow({ tool }: { readonly tool: ToolView }) {
  const { name, description, from, source, effect, dangerous, agents, calls, errors, medianMs, slowMs, breaker } = tool;
  const notes = [
    source === undefined ? origins[from] : `${origins[from]} ${source}`,
    effects[effect],
    dangerous ? "never after untrusted text" : "",
    agents.join(", ") || "no agent has it",
  ];
  return (
    <a class="row tool-row" href={`#/tools/${encodeURIComponent(name)}`}>
      <div>
        <strong class="mono">{name}</strong>
        <span class="soft">{description}</span>
        <span class="soft">{notes.filter((part) => part).join(" · ")}</span>
      </div>
      <span class="soft number">
        {calls > 0 && (
          <>
            {count(calls, "call")}
            {errors > 0 && <span class="bad">, {count(errors, "error")}</span>}
            <br />
            <span title="Half of the calls stay below the first, 95 of 100 below the second">
              {duration(medianMs ?? 0)} / {duration(slowMs ?? 0)}
            </span>
          </>
        )}
        {breaker !== "closed" && (
          <>
            <br />
            <Pill state={breakers[breaker]} />
          </>
        )}
      </span>
    </a>
  );
}
