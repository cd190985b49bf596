import type { McpServerConfig } from "../config/mcp.ts";
import { AppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Tool } from "../core/tool.ts";
import { matchesPattern } from "../lib/pattern.ts";
import { toInputSchema } from "../core/input_schema.ts";
import type { Link } from "./link.ts";
import type { Offer, Pins, PinVerdict, ToolFace } from "./pins.ts";
import { toShownText } from "../core/shown_text.ts";
import { toToolNames } from "./tool_names.ts";
import { newServerTool, newSideTools } from "./tools.ts";

/** How a tool of a server stands with us. `held`: it waits for the operator's word. `refused`: it cannot be used. */
export interface ToolStanding {
  /** As the server calls it. */
  readonly tool: string;
  /** As agents call it. */
  readonly name: string;
  readonly state: "live" | "held" | "refused";
  /** Why it is not `live`. */
  readonly reason?: string;
  readonly description: string;
}

/** What one server has for agents, and what of it may be used. */
export interface Catalogue {
  /** Those that agents can be allowed. Keeps its identity while nothing changes. */
  readonly tools: readonly Tool[];
  readonly standings: readonly ToolStanding[];
  /** Takes over what the server offers now: what may be used at once is, the rest is held. */
  take(offer: Offer): Promise<void>;
  /**
   * Takes tools as they are now, by the server's names; absent: all that are held. Gives their names.
   *
   * @throws {AppError} `missing` for one that is not held.
   */
  accept(names: readonly string[] | undefined): Promise<readonly string[]>;
}

/** What a {@linkcode Catalogue} is made of. */
export interface CatalogueDeps {
  readonly server: string;
  readonly config: McpServerConfig;
  /** Where the server is: what another one offered there before means nothing. */
  readonly address: string;
  readonly pins: Pins;
  readonly link: Pick<Link, "use">;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called when `tools` has changed. */
  onTools(): void;
}

/** Tools of one server; whoever has more is broken or wants us to be. */
const toolBound = 2_000;

interface Entry {
  readonly face: ToolFace;
  readonly standing: ToolStanding;
  readonly tool: Tool | undefined;
}

/** Makes a {@linkcode Catalogue} with what the server offered last. */
export function newCatalogue(deps: CatalogueDeps): Catalogue {
  const { server, config, address, pins, link, log, metrics } = deps;
  let offered: Offer = pins.recall(server, address) ?? { tools: [], resources: false, prompts: false };
  let entries: readonly Entry[] = [];
  let tools: readonly Tool[] = [];
  show();

  function show(): void {
    const before = new Map(entries.map((entry) => [entry.face.name, entry]));
    const names = toToolNames(server, offered.tools.map((face) => face.name));
    entries = offered.tools.map((face) => {
      const name = names.get(face.name) ?? face.name;
      const known = before.get(face.name);
      const verdict = pins.judge(server, face);
      // A tool that is what it was keeps its identity, so that nothing that was made for it is made again.
      if (verdict === "same" && known?.tool?.name === name && isSame(known.face, face)) return known;
      return verdict === "same" ? newEntry(face, name) : newHeldEntry(face, name, verdict);
    });
    const held = entries.filter(({ standing }) => standing.state === "held").length;
    metrics.gauge("nexo_mcp_tools_held", { server }, held);
    if (held > 0) log.warn("mcp.tools_held", { server, tools: held });
    const beside = newSideTools(offered)
      .filter(({ word }) => matchesPattern(config.tools, word) && !names.has(word))
      .map((side) => tools.find(({ name }) => name === side.toolName(server)) ?? side.make({ server, config, link }));
    const next = [...entries.map(({ tool }) => tool).filter((tool) => tool !== undefined), ...beside];
    if (next.length === tools.length && next.every((tool, index) => tool === tools[index])) return;
    tools = next;
    deps.onTools();
  }

  function newEntry(face: ToolFace, name: string): Entry {
    const standing = { tool: face.name, name, description: toShownText(face.description ?? "", 300) };
    const input = toInputSchema(face.inputSchema);
    if (input.schema === undefined) {
      metrics.count("nexo_refusals_total", { part: "mcp", reason: "bad_schema" });
      return { face, standing: { ...standing, state: "refused", reason: input.fault }, tool: undefined };
    }
    const tool = newServerTool({ server, config, link, face, name, inputSchema: input.schema });
    return { face, standing: { ...standing, state: "live" }, tool };
  }

  function newHeldEntry(face: ToolFace, name: string, verdict: Exclude<PinVerdict, "same">): Entry {
    metrics.count("nexo_refusals_total", { part: "mcp", reason: `tool_${verdict}` });
    const reason = verdict === "new" ? "it was never accepted" : "it is not what it was when it was accepted";
    const description = toShownText(face.description ?? "", 300);
    return { face, standing: { tool: face.name, name, state: "held", reason, description }, tool: undefined };
  }

  return {
    get tools() {
      return tools;
    },
    get standings() {
      return entries.map(({ standing }) => standing);
    },
    async take(offer) {
      const named = new Map(offer.tools.map((face) => [face.name, face]));
      const wanted = [...named.values()].filter((face) => matchesPattern(config.tools, face.name));
      const tooMany = wanted.length - toolBound;
      if (tooMany > 0) {
        metrics.count("nexo_refusals_total", { part: "mcp", reason: "too_many_tools" }, tooMany);
        log.warn("mcp.too_many_tools", { server, tools: wanted.length, bound: toolBound });
      }
      offered = { ...offer, tools: wanted.slice(0, toolBound) };
      const fresh = offered.tools.filter((face) => pins.judge(server, face) === "new");
      if (config.trust === "first_use" && fresh.length > 0) await pins.accept(server, fresh);
      show();
      await pins.remember(server, address, offered);
    },
    async accept(names) {
      const held = entries.filter(({ standing }) => standing.state === "held").map(({ face }) => face);
      const absent = names?.find((name) => !held.some((face) => face.name === name));
      if (absent !== undefined) {
        throw new AppError("missing", `No tool ${absent} of ${server} is held. See: agent mcp tools ${server}`);
      }
      const accepted = held.filter((face) => names === undefined || names.includes(face.name));
      await pins.accept(server, accepted);
      show();
      return accepted.map((face) => face.name);
    },
  };
}

function isSame(one: ToolFace, other: ToolFace): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
