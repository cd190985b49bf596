import { didYouMean } from "../config/fault.ts";
import { AppError, toAppError } from "../core/error.ts";
import { type ChatEvent, chatEventSchema } from "../http/chat_api.ts";
import { type AdminClient, requireRunning } from "./admin_client.ts";
import { type ChatView, newAnswersView, newEventsView, newStreamedView } from "./chat_view.ts";
import { newInk } from "./ink.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { readEventData } from "./sse.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `agent chat`. */
export interface ChatFlags extends DataDirFlag {
  readonly conversation?: string;
  readonly json: boolean;
}

const unansweredCode = 1;

/** `agent chat AGENT`: a line is a message. Ends with standard input; 1 where a message was not answered. */
export async function chat(terminal: Terminal, flags: ChatFlags, agent: string): Promise<number> {
  const { admin, status } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  const agents = status.agents.map(({ id }) => id);
  if (!agents.includes(agent)) {
    throw new AppError(
      "missing",
      `There is no agent "${agent}".${didYouMean(agent, agents) || ` There is: ${agents.join(", ")}`}`,
    );
  }
  const streamed = terminal.interactive && !flags.json;
  const ink = newInk(terminal.color);
  const prompt = () => streamed && terminal.print(ink.bold("you> "));
  if (streamed) terminal.print(ink.dim(`You are talking to ${agent}. Ctrl-D ends it.\n`));

  let { conversation } = flags;
  let unanswered = 0;
  prompt();
  for await (const text of terminal.lines()) {
    if (text.trim() !== "") {
      const view = flags.json
        ? newEventsView(terminal)
        : streamed
        ? newStreamedView(terminal)
        : newAnswersView(terminal);
      try {
        const asked = await ask(admin, { agent, conversation, text }, view);
        conversation = asked.conversation;
        if (!asked.answered) unanswered++;
      } catch (thrown) {
        unanswered++;
        terminal.complain(`agent: ${toPlain(toAppError(thrown).message)}\n`);
      }
    }
    prompt();
  }
  if (streamed && conversation !== undefined) {
    terminal.print(ink.dim(`\nTo go on with it: agent chat ${agent} --conversation ${toPlain(conversation)}\n`));
  }
  return unanswered > 0 && !streamed ? unansweredCode : 0;
}

interface Message {
  readonly agent: string;
  readonly conversation: string | undefined;
  readonly text: string;
}

interface Asked {
  readonly conversation: string | undefined;
  readonly answered: boolean;
}

async function ask(admin: AdminClient, message: Message, view: ChatView): Promise<Asked> {
  let { conversation } = message;
  for await (const event of readChatEvents(admin.stream("/api/chat", message))) {
    view.show(event);
    if (event.type === "accepted") conversation = event.conversation;
    if (event.type === "reply") return { conversation, answered: event.outcome !== "failed" };
    if (event.type === "error") return { conversation, answered: false };
  }
  throw newCutError();
}

async function* readChatEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ChatEvent> {
  try {
    for await (const data of readEventData(body)) yield chatEventSchema.parse(JSON.parse(data));
  } catch (thrown) {
    const error = toAppError(thrown);
    // What the process itself answered with has a reason; a cut connection has none.
    throw error.kind === "unavailable" && error.reason === undefined ? newCutError() : error;
  }
}

function newCutError(): AppError {
  return new AppError(
    "unavailable",
    "The connection ended before the answer. The message is kept: it is answered after the restart, see agent sessions",
  );
}
