import { newChildren } from "../child/open.ts";
import type { Confinement } from "../child/spec.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { ToolResult } from "../core/tool.ts";
import { discover } from "../extensions/discovery.ts";
import { callTool } from "../extensions/link.ts";
import { refusedReason } from "../extensions/rpc.ts";
import { findExtension, type Known } from "../extensions/manage.ts";
import { toStateDir } from "../extensions/places.ts";
import { connectStdio } from "../extensions/stdio.ts";
import type { Connection } from "../extensions/supervisor.ts";
import { systemClock } from "../lib/clock.ts";
import { openLog } from "../telemetry/log.ts";
import { redact } from "../telemetry/redact.ts";
import { type ExtensionFlags, type ExtensionPlace, openExtensionPlace } from "./ext_place.ts";
import { newInk } from "./ink.ts";
import { toPlain } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** What a look at one extension found. */
interface Finding {
  readonly id: string;
  readonly ok: boolean;
  /** What is wrong, or how many tools it has. */
  readonly said: string;
  readonly confinement?: Confinement;
}

/** `agent ext doctor [ID]`. */
export async function doctor(terminal: Terminal, flags: ExtensionFlags, id?: string): Promise<number> {
  const place = await openExtensionPlace(terminal, flags);
  const chosen = id === undefined
    ? (await discover(place.places)).filter(({ enabled }) => enabled)
    : [await findExtension(place.places, id)];
  const findings: Finding[] = [];
  for (const { id, manifest, hash, fault, ...found } of chosen) {
    if (manifest === undefined || hash === undefined || fault !== undefined) {
      findings.push({ id, ok: false, said: fault ?? "It cannot be read" });
    } else findings.push(await look(place, { ...found, id, manifest, hash }));
  }
  const ink = newInk(terminal.color);
  if (flags.json) terminal.print(toJsonText(findings));
  else if (findings.length === 0) terminal.print("No extension is enabled. To see which there are: agent ext list\n");
  else {
    for (const { id, ok, said, confinement } of findings) {
      const walls = confinement === undefined
        ? ""
        : confinement.kind === "unconfined"
        ? `, ${ink.warn("unconfined")}: ${confinement.reason}`
        : `, behind ${confinement.kind}`;
      terminal.print(`${ok ? ink.good("OK  ") : ink.bad("FAIL")} ${id}: ${toPlain(said)}${walls}\n`);
    }
  }
  return findings.every(({ ok }) => ok) ? 0 : 1;
}

/** `agent ext run ID TOOL JSON`. */
export async function runTool(
  terminal: Terminal,
  flags: ExtensionFlags,
  id: string,
  tool: string,
  input: string,
): Promise<number> {
  const place = await openExtensionPlace(terminal, flags);
  const found = await findExtension(place.places, id);
  if (found.fault !== undefined) throw new AppError("denied", found.fault);
  const declared = found.manifest.tools.find(({ name }) => name === tool);
  if (declared === undefined) {
    const names = found.manifest.tools.map(({ name }) => name).join(", ");
    throw new AppError("missing", `${id} has no tool ${tool}. It has: ${names}`);
  }
  const deadlineMs = declared.deadline ?? found.manifest.limits.call;
  await using connection = await connect(place, found);
  const context = { agent: "", session_id: "", idempotency_key: crypto.randomUUID() };
  const call = { name: tool, arguments: parseInput(input), context };
  try {
    const result = await callTool(connection.rpc, call, { signal: new AbortController().signal, deadlineMs });
    terminal.print(flags.json ? toJsonText(result) : `${toPlain(toText(result))}\n`);
    return result.isError === true ? 1 : 0;
  } catch (thrown) {
    const { reason, message } = toAppError(thrown);
    if (reason !== refusedReason) throw thrown;
    terminal.complain(`${tool} failed: ${toPlain(message)}\n`);
    return 1;
  }
}

async function look(place: ExtensionPlace, found: Known): Promise<Finding> {
  try {
    await using connection = await connect(place, found);
    const { tools, faults } = connection.offer;
    return {
      id: found.id,
      ok: faults.length === 0,
      said: faults.length === 0 ? sayCount(tools.length, "tool") : `It ${faults.join("; ")}`,
      ...(connection.confinement === undefined ? {} : { confinement: connection.confinement }),
    };
  } catch (thrown) {
    return { id: found.id, ok: false, said: toAppError(thrown).message };
  }
}

async function connect({ places, dataDir }: ExtensionPlace, { id, manifest, folder }: Known): Promise<Connection> {
  if (manifest.transport.type === "nats") {
    throw new AppError(
      "invalid",
      `${id} is reached over NATS: only the running process talks to it. See agent ext info ${id}`,
    );
  }
  const silent = { terminal: false, color: false, write: () => Promise.resolve() };
  const log = openLog({ clock: systemClock, output: silent }, { level: "error", format: "json", redact: true });
  return await connectStdio({
    manifest,
    folder,
    stateDir: toStateDir(dataDir, id),
    children: newChildren({ clock: systemClock, redact }),
    variable: (name) => places.variable(id, name),
    log,
    clock: systemClock,
  }, new AbortController().signal);
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new AppError("invalid", `The input is no JSON: ${thrown.message}`);
  }
}

function toText({ content }: ToolResult): string {
  return content.map((part) => {
    switch (part.type) {
      case "text":
        return part.text;
      case "json":
        return JSON.stringify(part.value, undefined, 2);
      case "image":
        return `[image ${part.mimeType}]`;
    }
  }).join("\n");
}
