import { newChildren } from "../child/open.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { NatsWire } from "../core/nats_wire.ts";
import type { Tool } from "../core/tool.ts";
import { type Extensions, openExtensions } from "../extensions/open.ts";
import { concatLive } from "../lib/concat_live.ts";
import type { Live } from "../lib/live.ts";
import { mapLive } from "../lib/map_live.ts";
import { type McpDeps, type McpRoom, openMcp } from "../mcp/open.ts";
import { redact } from "../telemetry/redact.ts";

/** Programs of others that give agents tools: extensions and MCP servers. */
export interface Others extends AsyncDisposable {
  readonly extensions: Extensions;
  readonly mcp: McpRoom;
  /** Those of both. */
  readonly tools: Live<readonly Tool[]>;
}

/** What {@linkcode openOthers} needs. */
export interface OthersDeps extends Pick<McpDeps, "sample" | "redirectUrl"> {
  readonly config: Live<Config>;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent where NATS is not used. */
  readonly nats: NatsWire | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** Opens extensions and MCP servers. When `signal` fires no extension is started any more. */
export async function openOthers(deps: OthersDeps, signal: AbortSignal): Promise<Others> {
  const { config, clock } = deps;
  await using opening = new AsyncDisposableStack();
  const children = newChildren({ clock, redact });
  const extensionsConfig = mapLive(config, ({ extensions }) => extensions);
  const extensions = opening.use(await openExtensions({ ...deps, config: extensionsConfig, children }, signal));
  const mcp = opening.use(await openMcp({ ...deps, config: mapLive(config, ({ mcp }) => mcp), children }));
  const owned = opening.move();
  return {
    extensions,
    mcp,
    tools: concatLive(extensions.tools, mcp.tools),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
