import type { Signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AgentView } from "../../src/http/agents_api.ts";
import type { ChatEvent, ChatRequest } from "../../src/http/chat_api.ts";
import type { Page } from "../../src/http/page_api.ts";
import type { MessageView } from "../../src/http/sessions_api.ts";
import type { ModelView, Status } from "../../src/http/status_api.ts";
import { chat, get, isRequestError, messageOf } from "../api.ts";
import { Markdown } from "../markdown.tsx";
import { Fold, Head, Loading, useLoaded } from "../ui.tsx";
import { count, duration, money, pretty } from "../words.ts";
import { NoAgents } from "./agents.tsx";
import { Entry, TimelineLink } from "./sessions.tsx";

const maxTries = 5;
const maxImages = 10;
/** Of `data:` URLs: what a request may hold by default, with room for its text. */
const maxImageCharacters = 8_000_000;
const retryMs = 2_000;

/** A chat with one agent, in a conversation that this browser remembers. */
export function ChatPage({ status, wanted }: {
  readonly status: Signal<Status | undefined>;
  readonly wanted: string | undefined;
}) {
  const current = status.value;
  if (current === undefined) return null;
  const agent = current.agents.find(({ id }) => id === wanted) ?? current.agents[0];
  if (agent === undefined) {
    return (
      <>
        <Head title="Chat" />
        <NoAgents />
      </>
    );
  }
  return <ChatWith key={agent.id} agent={agent} agents={current.agents} models={current.models} />;
}

function ChatWith({ agent, agents, models }: {
  readonly agent: AgentView;
  readonly agents: readonly AgentView[];
  readonly models: readonly ModelView[];
}) {
  const [conversation, setConversation] = useState(() => recall(agent.id));
  const { loaded } = useLoaded((signal) => readPast(agent.id, conversation, signal), [agent.id, conversation]);
  const begin = () => {
    const made = crypto.randomUUID();
    remember(agent.id, made);
    setConversation(made);
  };
  return (
    <div class="chat">
      <Head title="Chat">
        <select
          class="title"
          aria-label="Agent"
          value={agent.id}
          onChange={({ currentTarget }) => location.hash = `#/chat/${encodeURIComponent(currentTarget.value)}`}
        >
          {agents.map(({ id }) => <option key={id} value={id}>{id}</option>)}
        </select>
        <button type="button" onClick={begin}>New conversation</button>
      </Head>
      <Loading of={loaded}>
        {(past) => <Conversation key={conversation} {...{ agent, models, conversation, past }} />}
      </Loading>
    </div>
  );
}

/** A message of this page, and what has become of it. */
interface Exchange {
  readonly key: string;
  readonly text: string;
  /** `data:` URLs. */
  readonly images: readonly string[];
  readonly events: readonly ChatEvent[];
  /** Why the answer is not coming, or comes late. */
  readonly trouble?: { readonly message: string; readonly final: boolean } | undefined;
}

function Conversation({ agent, models, conversation, past }: {
  readonly agent: AgentView;
  readonly models: readonly ModelView[];
  readonly conversation: string;
  readonly past: readonly MessageView[];
}) {
  const [exchanges, setExchanges] = useState<readonly Exchange[]>([]);
  const left = useMemo(() => new AbortController(), []);
  useEffect(() => () => left.abort(), []);
  useEffect(toEnd, [exchanges.length]);
  useStayingAtEnd(exchanges);
  const change = (key: string, next: (exchange: Exchange) => Exchange) =>
    setExchanges((known) => known.map((one) => one.key === key ? next(one) : one));
  const say = (text: string, images: readonly string[] = []) => {
    const key = crypto.randomUUID();
    setExchanges((known) => [...known, { key, text, images, events: [] }]);
    void converse({ agent: agent.id, conversation, text, key, images: [...images] }, {
      event: (event) => change(key, (one) => ({ ...one, events: [...one.events, event], trouble: undefined })),
      again: () => change(key, (one) => ({ ...one, events: [] })),
      trouble: (message, final) => change(key, (one) => ({ ...one, trouble: { message, final } })),
    }, left.signal);
  };
  return (
    <>
      <div class="transcript" role="log" aria-label="Conversation">
        {past.length + exchanges.length === 0 && <Welcome {...{ agent, models, say }} />}
        {past.toReversed().map((message) => <Entry key={message.id} message={message} />)}
        {exchanges.map((exchange) => (
          <Turn key={exchange.key} exchange={exchange} isOwner={isOwner(exchange, exchanges)} />
        ))}
      </div>
      <Compose agent={agent.id} onSay={say} />
    </>
  );
}

/** Messages that were merged into one turn all hear of it: the first shows it, the others give way. */
function isOwner(exchange: Exchange, all: readonly Exchange[]): boolean {
  const id = turnIdOf(exchange);
  return id === undefined || all.find((one) => turnIdOf(one) === id) === exchange;
}

function turnIdOf({ events }: Exchange): string | undefined {
  for (const event of events) if ("turnId" in event) return event.turnId;
  return undefined;
}

/** Sends one message and tells of its turn; a lost connection is taken up again with the same key. */
async function converse(
  message: ChatRequest,
  tell: { event(event: ChatEvent): void; again(): void; trouble(message: string, final: boolean): void },
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      for await (const event of chat(message, signal)) {
        if (event.type === "error") throw Object.assign(new Error(event.error.message), { status: 400 });
        tell.event(event);
        if (event.type === "reply") return;
      }
      throw new Error("The connection was lost.");
    } catch (error) {
      if (signal.aborted) return;
      const lasting = isRequestError(error) && error.status !== 503;
      if (lasting || attempt === maxTries) return tell.trouble(messageOf(error), true);
      tell.again();
      tell.trouble(`${messageOf(error)} Asking again…`, false);
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool"; readonly start: ToolStart; readonly end: ToolEnd | undefined };
type ToolStart = Extract<ChatEvent, { type: "toolStarted" }>;
type ToolEnd = Extract<ChatEvent, { type: "toolEnded" }>;

/** Texts and tool calls of a turn, in the order in which they came. */
function toParts(events: readonly ChatEvent[]): readonly Part[] {
  const parts: Part[] = [];
  for (const event of events) {
    const last = parts.at(-1);
    if (event.type === "text") {
      if (last?.type === "text") parts[parts.length - 1] = { type: "text", text: last.text + event.text };
      else parts.push({ type: "text", text: event.text });
    }
    if (event.type === "restarted" && last?.type === "text" && event.voidCharacters > 0) {
      parts[parts.length - 1] = { type: "text", text: last.text.slice(0, -event.voidCharacters) };
    }
    if (event.type === "toolStarted") parts.push({ type: "tool", start: event, end: undefined });
    if (event.type === "toolEnded") {
      const at = parts.findIndex((part) => part.type === "tool" && part.start.callId === event.callId);
      const part = parts[at];
      if (part?.type === "tool") parts[at] = { ...part, end: event };
    }
  }
  return parts;
}

function Turn({ exchange, isOwner }: { readonly exchange: Exchange; readonly isOwner: boolean }) {
  const { events, trouble, text, images } = exchange;
  const reply = events.find((event) => event.type === "reply");
  const ended = events.find((event) => event.type === "ended");
  const streamed = toParts(events);
  const told = streamed.map((part) => part.type === "text" ? part.text : "").join("");
  const parts = reply === undefined || reply.outcome === "failed" || told === reply.text
    ? streamed
    : [...streamed.filter((part) => part.type === "tool"), { type: "text", text: reply.text } as const];
  return (
    <>
      <article class="bubble me">
        {images.map((image, index) => <img key={index} src={image} alt="Attached" />)}
        {text !== "" && <p class="plain">{text}</p>}
      </article>
      {isOwner && (
        <article class="bubble turn">
          <div class="body">
            {parts.map((part, index) =>
              part.type === "text"
                ? (
                  <div key={index}>
                    <Markdown text={part.text} />
                  </div>
                )
                : <Call key={index} {...part} />
            )}
            {reply?.outcome === "silent" && <p class="soft">The agent had nothing to say.</p>}
            {reply?.outcome === "failed" && (
              <div class="notice bad" role="alert">
                <p>{reply.text}</p>
                {reply.error !== undefined && <p class="soft">{reply.error.message}</p>}
              </div>
            )}
          </div>
          {trouble?.final === true && <p class="notice bad" role="alert">{trouble.message}</p>}
          {trouble?.final === false && <p class="status">{trouble.message}</p>}
          {reply === undefined && trouble === undefined && (
            <p class="status">
              <span class="dots" role="img" aria-label="thinking" />
            </p>
          )}
          {reply !== undefined && (
            <footer>
              {ended !== undefined && `${toCost(ended)} · `}
              <TimelineLink turnId={reply.turnId} />
            </footer>
          )}
        </article>
      )}
    </>
  );
}

function Call({ start, end }: { readonly start: ToolStart; readonly end: ToolEnd | undefined }) {
  const state = end === undefined ? "running" : `${end.isError ? "failed after" : "took"} ${duration(end.tookMs)}`;
  return (
    <Fold
      summary={
        <>
          <span class="tool">{start.tool}</span> <span class={end?.isError ? "bad" : "soft"}>{state}</span>
        </>
      }
    >
      <h3>Input</h3>
      <pre tabIndex={0}>{pretty(start.input)}</pre>
      <h3>Result</h3>
      <pre tabIndex={0}>{end?.preview ?? "…"}</pre>
    </Fold>
  );
}

function toCost({ model, tookMs, inputTokens, outputTokens, costUsd }: Extract<ChatEvent, { type: "ended" }>): string {
  const parts = [model, duration(tookMs), count(inputTokens + outputTokens, "token"), costUsd ? money(costUsd) : ""];
  return parts.filter((part) => part).join(" · ");
}

function Compose({ agent, onSay }: { readonly agent: string; onSay(text: string, images: readonly string[]): void }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [images, setImages] = useState<readonly string[]>([]);
  const [refusal, setRefusal] = useState("");
  useEffect(() => box.current?.focus(), []);
  const attach = async (files: Iterable<File>) => {
    const read = await Promise.all([...files].filter(({ type }) => type.startsWith("image/")).map(toDataUrl));
    const all = [...images, ...read];
    const fits = all.length <= maxImages && all.join("").length <= maxImageCharacters;
    setRefusal(fits ? "" : "At most ten images, together at most 6 MB.");
    if (fits) setImages(all);
  };
  const send = () => {
    const text = box.current?.value.trim() ?? "";
    if (box.current === null || (text === "" && images.length === 0)) return;
    box.current.value = "";
    fit(box.current);
    setImages([]);
    onSay(text, images);
  };
  return (
    <form
      class="compose"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {refusal !== "" && <p class="hint bad" role="alert">{refusal}</p>}
      {images.length > 0 && (
        <p class="thumbs">
          {images.map((image, index) => (
            <button
              key={image}
              type="button"
              aria-label={`Take image ${index + 1} away`}
              onClick={() => setImages(images.filter((one) => one !== image))}
            >
              <img src={image} alt="" />
            </button>
          ))}
        </p>
      )}
      <input
        ref={picker}
        hidden
        type="file"
        accept="image/*"
        multiple
        aria-label="Images"
        onChange={({ currentTarget }) => {
          void attach(currentTarget.files ?? []);
          currentTarget.value = "";
        }}
      />
      <button class="attach" type="button" aria-label="Attach an image" onClick={() => picker.current?.click()}>
        +
      </button>
      <textarea
        ref={box}
        rows={1}
        aria-label={`Message to ${agent}`}
        placeholder={`Message ${agent}`}
        onInput={({ currentTarget }) => fit(currentTarget)}
        onPaste={(event) => {
          const files = [...event.clipboardData?.files ?? []];
          if (files.length === 0) return;
          event.preventDefault();
          void attach(files);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button class="primary" type="submit">Send</button>
      <p class="hint">Enter sends, Shift+Enter begins a new line</p>
    </form>
  );
}

function toDataUrl(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

function Welcome({ agent, models, say }: {
  readonly agent: AgentView;
  readonly models: readonly ModelView[];
  say(text: string): void;
}) {
  const missing = models.find((model) => !model.configured && model.missing !== undefined)?.missing;
  return (
    <div class="welcome">
      <h2>Talk to {agent.id}</h2>
      <p class="soft">{agent.description || "Whatever you write here is answered once, and never lost."}</p>
      <p class="chips">
        {["Hello, what can you do?", "What time is it?"].map((text) => (
          <button
            key={text}
            type="button"
            class="chip"
            onClick={() => say(text)}
          >
            {text}
          </button>
        ))}
      </p>
      {agent.model.startsWith("demo")
        ? (
          <p class="notice">
            Answers come from the built-in demo model.{" "}
            {missing ?? "For a real one, set a provider's key in the environment and start again."}
          </p>
        )
        : <p class="soft mono">{agent.model}</p>}
    </div>
  );
}

async function readPast(agent: string, conversation: string, signal: AbortSignal): Promise<readonly MessageView[]> {
  const id = [agent, "console", agent, conversation].map(encodeURIComponent).join("/");
  try {
    return (await get<Page<MessageView>>(`/api/sessions/${encodeURIComponent(id)}/messages`, {}, signal)).items;
  } catch (error) {
    if (isRequestError(error) && error.status === 404) return [];
    throw error;
  }
}

/** Follows what grows at the end of the page, unless somebody has scrolled away from it. */
function useStayingAtEnd(grows: unknown): void {
  const wasAtEnd = useRef(true);
  useEffect(() => {
    const onScroll = () => {
      const page = document.documentElement;
      wasAtEnd.current = page.scrollHeight - page.scrollTop - page.clientHeight < 120;
    };
    addEventListener("scroll", onScroll, { passive: true });
    return () => removeEventListener("scroll", onScroll);
  }, []);
  useEffect(() => {
    if (wasAtEnd.current) toEnd();
  }, [grows]);
}

function toEnd(): void {
  document.documentElement.scrollTop = document.documentElement.scrollHeight;
}

function fit(box: HTMLTextAreaElement): void {
  box.style.blockSize = "auto";
  box.style.blockSize = `${Math.min(box.scrollHeight + 2, 240)}px`;
}

function recall(agent: string): string {
  const known = localStorage.getItem(`nexo.conversation.${agent}`);
  if (known !== null) return known;
  const made = crypto.randomUUID();
  remember(agent, made);
  return made;
}

function remember(agent: string, conversation: string): void {
  localStorage.setItem(`nexo.conversation.${agent}`, conversation);
}
