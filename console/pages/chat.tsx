import type { Signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AgentView } from "../../src/http/agents_api.ts";
import type { Page } from "../../src/http/page_api.ts";
import type { MessageView } from "../../src/http/sessions_api.ts";
import type { ModelView, Status } from "../../src/http/status_api.ts";
import { get } from "../api.ts";
import { Head, Late, Loading, More, usePages } from "../ui.tsx";
import { NoAgents } from "./agents.tsx";
import { Compose } from "./compose.tsx";
import { converse, type Exchange, isOwner, Turn, turnIdOf } from "./exchange.tsx";
import { Transcript } from "./transcript.tsx";

/** A chat with one agent, in a conversation that this browser remembers. */
export function ChatPage({ status, wanted }: {
  readonly status: Signal<Status | undefined>;
  readonly wanted: string | undefined;
}) {
  const current = status.value;
  if (current === undefined) return <Late />;
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
  const session = [agent.id, "console", agent.id, conversation].map(encodeURIComponent).join("/");
  const { loaded, more } = usePages<MessageView>(
    (before, signal) =>
      get<Page<MessageView>>(`/api/sessions/${encodeURIComponent(session)}/messages`, { before }, signal),
    [session],
  );
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
      <More of={more} text="Earlier messages" />
      <Loading of={loaded}>
        {(past) => <Conversation key={conversation} {...{ agent, models, conversation, past }} />}
      </Loading>
    </div>
  );
}

function Conversation({ agent, models, conversation, past }: {
  readonly agent: AgentView;
  readonly models: readonly ModelView[];
  readonly conversation: string;
  /** Newest first. */
  readonly past: readonly MessageView[];
}) {
  const [exchanges, setExchanges] = useState<readonly Exchange[]>([]);
  const left = useMemo(() => new AbortController(), []);
  const waiting = useMemo(() => newWaitingRoom(`${agent.id}.${conversation}`), []);
  useEffect(() => () => left.abort(), []);
  useEffect(toEnd, [exchanges.length]);
  useStayingAtEnd(exchanges);
  const change = (key: string, next: (exchange: Exchange) => Exchange) =>
    setExchanges((known) => known.map((one) => one.key === key ? next(one) : one));
  const follow = (exchange: Exchange) => {
    const { key, text, images } = exchange;
    setExchanges((known) => [...known, exchange]);
    // From now on it survives the end of the page; an image does not, and would be another message without it.
    if (images.length === 0) waiting.add({ key, text });
    void converse({ agent: agent.id, conversation, text, key, images: [...images] }, {
      event(event) {
        if (event.type === "accepted") waiting.add({ key, text: text === "" ? "(an image)" : text });
        if (event.type === "reply") waiting.remove(key);
        change(key, (one) => ({ ...one, events: [...one.events, event], trouble: undefined }));
      },
      again: () => change(key, (one) => ({ ...one, events: [] })),
      trouble(message, fate) {
        if (fate === "refused") waiting.remove(key);
        change(key, (one) => ({ ...one, trouble: { message, fate } }));
      },
    }, left.signal);
  };
  // What was accepted before this page was opened is asked for again, under its old key: that sends nothing twice.
  useEffect(() => {
    for (const { key, text } of waiting.list()) follow({ key, text, images: [], events: [] });
  }, []);
  const say = (text: string, images: readonly string[] = []) =>
    follow({ key: crypto.randomUUID(), text, images, events: [] });
  const known = new Set(past.map(({ turnId }) => turnId));
  const shown = exchanges.filter((exchange) => !known.has(turnIdOf(exchange) ?? ""));
  const said = [
    ...past.filter(({ role }) => role === "user").map(({ text }) => text).toReversed(),
    ...shown.map(({ text }) => text),
  ];
  return (
    <>
      <div class="transcript" role="log" aria-label="Conversation">
        {past.length + shown.length === 0 && <Welcome {...{ agent, models, say }} />}
        <Transcript messages={past.toReversed()} />
        {shown.map((exchange) => <Turn key={exchange.key} exchange={exchange} isOwner={isOwner(exchange, shown)} />)}
      </div>
      <Compose agent={agent.id} said={said.filter((text) => text !== "")} onSay={say} />
    </>
  );
}

/** Messages whose answer this browser waits for, beyond the end of the page. */
function newWaitingRoom(name: string) {
  const place = `nexo.waiting.${name}`;
  const list = (): readonly { readonly key: string; readonly text: string }[] =>
    JSON.parse(localStorage.getItem(place) ?? "[]");
  const set = (all: ReturnType<typeof list>) =>
    all.length === 0 ? localStorage.removeItem(place) : localStorage.setItem(place, JSON.stringify(all));
  return {
    list,
    add(one: { readonly key: string; readonly text: string }) {
      if (!list().some(({ key }) => key === one.key)) set([...list(), one]);
    },
    remove: (key: string) => set(list().filter((one) => one.key !== key)),
  };
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
