import type { Agents } from "../agent/open.ts";
import type { ProviderKey } from "../core/bus.ts";
import type { Ledger } from "../core/ledger.ts";
import { type Outbound, toRefusalKey, toReplyKey } from "../core/message.ts";
import type { Tool } from "../core/tool.ts";
import { type HttpDeps, type HttpRoom, openHttp } from "../http/open.ts";
import type { AdminViews } from "../http/views.ts";
import { readAccepted } from "../ledger/inbox.ts";
import { readMessage } from "../ledger/outbox.ts";
import type { Live } from "../lib/live.ts";
import type { Later } from "./later.ts";
import { openMcpDoor } from "./mcp_door.ts";
import { newTokens } from "./tokens.ts";

/** What {@linkcode openFront} needs. */
export interface FrontDeps extends Omit<HttpDeps, keyof AdminViews | "mcpEndpoint" | "replyTo" | "tokens"> {
  readonly desk: AdminViews;
  readonly ledger: Ledger;
  readonly agents: Later<Agents>;
  /** Tools of extensions and MCP servers, which our own MCP server passes on. */
  readonly toolsOfOthers: Live<readonly Tool[]>;
  /** What is opened here. */
  readonly http: Later<HttpRoom>;
}

/**
 * Opens what programs and people reach: the listeners, and our own MCP server behind one of them.
 *
 * @throws {AppError} `conflict` when a port is in use.
 */
export async function openFront(deps: FrontDeps, signal: AbortSignal): Promise<HttpRoom & AsyncDisposable> {
  const { desk, ledger, toolsOfOthers } = deps;
  await using opening = new AsyncDisposableStack();
  const mcpEndpoint = opening.use(openMcpDoor({ ...deps, tools: toolsOfOthers }));
  const replyTo = (key: ProviderKey) => readReply(ledger, key);
  const http = opening.use(await openHttp({ ...deps, ...desk, mcpEndpoint, replyTo, tokens: newTokens(deps) }, signal));
  // Before the listeners, which wait for every answer that is under way.
  opening.defer(() => mcpEndpoint[Symbol.asyncDispose]());
  const owned = opening.move();
  return { ...http, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The reply to an accepted message, where there is one already. */
function readReply(ledger: Ledger, key: ProviderKey): Outbound | undefined {
  const accepted = readAccepted(ledger.read, key);
  if (accepted === undefined) return undefined;
  const { eventId, turnId } = accepted;
  return readMessage(ledger.read, turnId === undefined ? toRefusalKey(eventId) : toReplyKey(turnId));
}
