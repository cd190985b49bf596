import type { Agents } from "../agent/open.ts";
import type { ProviderKey } from "../core/bus.ts";
import type { Ledger } from "../core/ledger.ts";
import { toRefusalKey, toReplyKey } from "../core/message.ts";
import type { Tool } from "../core/tool.ts";
import { inboundEventSchema } from "../core/topics.ts";
import { type HttpDeps, type HttpRoom, openHttp } from "../http/open.ts";
import type { AdminViews } from "../http/views.ts";
import type { AcceptedMessage } from "../http/web_channel.ts";
import { readAccepted } from "../ledger/inbox.ts";
import { readMessage } from "../ledger/outbox.ts";
import type { Live } from "../lib/live.ts";
import type { Later } from "./later.ts";
import { openMcpDoor } from "./mcp_door.ts";
import { newTokens } from "./tokens.ts";

/** What {@linkcode openFront} needs. */
export interface FrontDeps extends Omit<HttpDeps, keyof AdminViews | "mcpEndpoint" | "findAccepted" | "tokens"> {
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
  const findAccepted = (key: ProviderKey) => readMessageOf(ledger, key);
  const http = opening.use(
    await openHttp({ ...deps, ...desk, mcpEndpoint, findAccepted, tokens: newTokens(deps) }, signal),
  );
  // Before the listeners, which wait for every answer that is under way.
  opening.defer(() => mcpEndpoint[Symbol.asyncDispose]());
  const owned = opening.move();
  return { ...http, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** An accepted message, with the reply where there is one already. */
function readMessageOf({ read }: Ledger, key: ProviderKey): AcceptedMessage | undefined {
  const accepted = readAccepted(read, key);
  if (accepted === undefined) return undefined;
  const { eventId, turnId, payload } = accepted;
  const { message } = inboundEventSchema.parse(payload);
  return { message, reply: readMessage(read, turnId === undefined ? toRefusalKey(eventId) : toReplyKey(turnId)) };
}
