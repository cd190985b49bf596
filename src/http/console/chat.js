import { chat, get } from "./api.js";
import { duration, empty, fold, h, head, pretty } from "./dom.js";
import { markdown } from "./markdown.js";
import { entry, timelineLink } from "./sessions.js";

const maxTries = 5;
const retryMs = 2_000;

/** A chat with one agent, in a conversation that this browser remembers. */
export async function openChat(main, [wanted], signal) {
  const { agents, models } = await get("/api/status", {}, signal);
  const agent = agents.find(({ id }) => id === wanted) ?? agents[0];
  if (agent === undefined) {
    main.replaceChildren(
      head("Chat"),
      empty("No agents yet.", "Add one to config/agents.yaml; it answers as soon as the file is saved."),
    );
    return;
  }
  const conversation = recall(agent.id);
  const choice = h(
    "select",
    {
      "aria-label": "Agent",
      class: "title",
      onchange: () => location.hash = `#/chat/${encodeURIComponent(choice.value)}`,
    },
    ...agents.map(({ id }) => h("option", { value: id, selected: id === agent.id }, id)),
  );
  const fresh = h("button", {
    type: "button",
    onclick: () => {
      remember(agent.id, crypto.randomUUID());
      dispatchEvent(new HashChangeEvent("hashchange"));
    },
  }, "New conversation");
  const log = h("div", { class: "transcript", role: "log", "aria-label": "Conversation" });
  const box = h("textarea", { rows: 1, "aria-label": `Message to ${agent.id}`, placeholder: `Message ${agent.id}` });
  const form = h(
    "form",
    { class: "compose" },
    box,
    h("button", { class: "primary", type: "submit" }, "Send"),
    h("p", { class: "hint" }, "Enter sends, Shift+Enter begins a new line"),
  );
  const view = newView(log);
  const send = () => {
    const text = box.value.trim();
    if (text === "") return;
    box.value = "";
    fit(box);
    view.clearWelcome();
    void converse({ agent: agent.id, conversation, text, key: crypto.randomUUID() }, view, signal);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  box.addEventListener("input", () => fit(box));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });

  const title = head("Chat", fresh);
  title.querySelector("h1").replaceChildren(choice);
  document.title = `${agent.id} · nexo`;
  const id = [agent.id, "console", agent.id, conversation].map(encodeURIComponent).join("/");
  const page = await get(`/api/sessions/${encodeURIComponent(id)}/messages`, {}, signal).catch((error) => {
    if (error.status === 404) return { items: [] };
    throw error;
  });
  if (page.items.length === 0) {
    view.welcome(agent, models, (text) => {
      box.value = text;
      send();
    });
  }
  log.append(...page.items.map(entry).reverse());
  main.replaceChildren(h("div", { class: "chat" }, title, log, form));
  view.toEnd();
  box.focus();
}

/** Sends one message and shows its turn; a lost connection is taken up again with the same key. */
async function converse(message, view, signal) {
  view.mine(message.text);
  const turn = view.turn();
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      for await (const event of chat(message, signal)) {
        if (event.type === "error") throw Object.assign(new Error(event.error.message), event.error);
        turn.take(event);
        if (event.type === "reply") return;
      }
      throw new Error("The connection was lost.");
    } catch (error) {
      if (signal.aborted) return;
      const lasting = error.status !== undefined && error.status !== 503;
      if (lasting || attempt === maxTries) return turn.fail(error.message);
      turn.waiting(`${error.message} Asking again…`);
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

function newView(log) {
  const owners = new Map();
  const keepAtEnd = (change) => {
    const page = document.scrollingElement;
    const atEnd = page.scrollHeight - page.scrollTop - page.clientHeight < 120;
    change();
    if (atEnd) page.scrollTop = page.scrollHeight;
  };
  return {
    toEnd: () => document.scrollingElement.scrollTo(0, document.scrollingElement.scrollHeight),
    clearWelcome: () => log.querySelector(".welcome")?.remove(),
    welcome: (agent, models, say) => log.append(welcome(agent, models, say)),
    mine(text) {
      log.append(h("article", { class: "bubble me" }, h("p", { class: "plain" }, text)));
      this.toEnd();
    },
    turn() {
      const body = h("div", { class: "body" });
      const status = h("p", { class: "status" }, h("span", { class: "dots", role: "img", "aria-label": "thinking" }));
      const foot = h("footer");
      const bubble = h("article", { class: "bubble turn" }, body, status, foot);
      log.append(bubble);
      return newTurn({ bubble, body, status, foot, owners, keepAtEnd });
    },
  };
}

/** One turn as it runs: texts and tool calls in order, then how it ended. */
function newTurn({ bubble, body, status, foot, owners, keepAtEnd }) {
  const me = Symbol();
  const calls = new Map();
  let texts = [];
  let frame;

  // Messages that were merged into one turn all hear of it: the first shows it, the others give way.
  function owns({ turnId }) {
    if (turnId === undefined) return true;
    if (!owners.has(turnId)) owners.set(turnId, me);
    if (owners.get(turnId) === me) return true;
    bubble.remove();
    return false;
  }

  function paint() {
    frame = undefined;
    keepAtEnd(() => {
      for (const { node, text } of texts) node.replaceChildren(markdown(text));
    });
  }

  function append(text) {
    let last = texts.at(-1);
    if (last === undefined || last.node !== body.lastElementChild) {
      last = { node: h("div"), text: "" };
      texts.push(last);
      body.append(last.node);
    }
    last.text += text;
    frame ??= requestAnimationFrame(paint);
  }

  function drop(characters) {
    const last = texts.at(-1);
    if (last === undefined || characters === 0) return;
    last.text = last.text.slice(0, -characters);
    frame ??= requestAnimationFrame(paint);
  }

  function begin({ callId, tool, input }) {
    const state = h("span", { class: "soft" }, "running");
    const result = h("pre", {}, "…");
    calls.set(callId, { state, result });
    body.append(fold(
      [h("span", { class: "tool" }, tool), " ", state],
      h("h3", {}, "Input"),
      h("pre", {}, pretty(input)),
      h("h3", {}, "Result"),
      result,
    ));
  }

  function finish({ callId, tool, isError, preview, tookMs }) {
    if (!calls.has(callId)) begin({ callId, tool, input: "" });
    const { state, result } = calls.get(callId);
    state.textContent = `${isError ? "failed after" : "took"} ${duration(tookMs)}`;
    state.className = isError ? "bad" : "soft";
    result.textContent = preview;
  }

  function end({ outcome, text, error, turnId }) {
    cancelAnimationFrame(frame);
    status.remove();
    if (outcome !== "failed" && texts.map((part) => part.text).join("") !== text) {
      for (const { node } of texts) node.remove();
      texts = [];
      append(text);
      cancelAnimationFrame(frame);
    }
    paint();
    if (outcome === "silent") body.append(h("p", { class: "soft" }, "The agent had nothing to say."));
    if (outcome === "failed") {
      body.append(h(
        "div",
        { class: "notice bad", role: "alert" },
        h("p", {}, text),
        error === undefined ? "" : h("p", { class: "soft" }, error.message),
      ));
    }
    foot.append(timelineLink(turnId));
  }

  function ended({ inputTokens, outputTokens, costUsd, tookMs, model }) {
    const parts = [
      model,
      duration(tookMs),
      `${inputTokens + outputTokens} tokens`,
      costUsd ? `$${costUsd.toFixed(4)}` : "",
    ];
    foot.append(parts.filter((part) => part).join(" · "), " · ");
  }

  return {
    take(event) {
      if (!owns(event)) return;
      keepAtEnd(() => {
        if (event.type === "text") append(event.text);
        if (event.type === "restarted") drop(event.voidCharacters);
        if (event.type === "toolStarted") begin(event);
        if (event.type === "toolEnded") finish(event);
        if (event.type === "ended") ended(event);
        if (event.type === "reply") end(event);
      });
    },
    waiting: (message) => status.replaceChildren(message),
    fail: (message) => status.replaceWith(h("p", { class: "notice bad", role: "alert" }, message)),
  };
}

function welcome(agent, models, say) {
  const missing = models.find((model) => !model.configured && model.missing !== undefined)?.missing;
  const isDemo = agent.model.startsWith("demo");
  const examples = ["Hello, what can you do?", "What time is it?"];
  return h(
    "div",
    { class: "welcome" },
    h("h2", {}, `Talk to ${agent.id}`),
    h("p", { class: "soft" }, agent.description || "Whatever you write here is answered once, and never lost."),
    h(
      "p",
      { class: "chips" },
      ...examples.map((text) => h("button", { type: "button", class: "chip", onclick: () => say(text) }, text)),
    ),
    isDemo
      ? h(
        "p",
        { class: "notice" },
        "Answers come from the built-in demo model. ",
        missing ?? "For a real one, set a provider's key in the environment and start again.",
      )
      : h("p", { class: "soft mono" }, agent.model),
  );
}

function fit(box) {
  box.style.blockSize = "auto";
  box.style.blockSize = `${Math.min(box.scrollHeight + 2, 240)}px`;
}

function recall(agent) {
  const known = localStorage.getItem(`nexo.conversation.${agent}`);
  if (known !== null) return known;
  const made = crypto.randomUUID();
  remember(agent, made);
  return made;
}

function remember(agent, conversation) {
  localStorage.setItem(`nexo.conversation.${agent}`, conversation);
}
