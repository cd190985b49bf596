import { get } from "./api.js";
import { empty, failure, fold, h, head, paged, when } from "./dom.js";
import { markdown } from "./markdown.js";

const searchPauseMs = 250;

/** All sessions, the newest first, by agent and by words. */
export async function openSessions(main, _arguments, signal) {
  const { agents } = await get("/api/agents", {}, signal);
  const search = h("input", {
    type: "search",
    "aria-label": "Search transcripts",
    placeholder: "Search transcripts  /",
    "data-search": true,
  });
  const agent = h(
    "select",
    { "aria-label": "Agent" },
    h("option", { value: "" }, "All agents"),
    ...agents.map(({ id }) => h("option", { value: id }, id)),
  );
  const results = h("div", { class: "results" });
  main.replaceChildren(head("Sessions", h("div", { class: "filters" }, search, agent)), results);

  let asked = 0;
  async function show() {
    const mine = ++asked;
    const list = h("div", { class: "list" });
    const filter = { agent: agent.value, search: search.value.trim() };
    const pages = paged(list, (before) => get("/api/sessions", { ...filter, before }, signal), sessionRow);
    try {
      const { items } = await pages.step();
      if (mine !== asked) return;
      results.replaceChildren(...(items.length > 0 ? [list, pages.more] : [nothing(filter)]));
    } catch (error) {
      if (mine === asked && !signal.aborted) results.replaceChildren(failure(error));
    }
  }
  let pause;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(show, searchPauseMs);
  });
  agent.addEventListener("change", show);
  await show();
}

function nothing({ agent, search }) {
  if (agent !== "" || search !== "") return empty("No session matches.", "Search for fewer or other words.");
  return empty("Nobody has written yet.", h("a", { href: "#/chat" }, "Write the first message"));
}

function sessionRow(session) {
  return h(
    "a",
    { class: "row session", href: `#/sessions/${encodeURIComponent(session.id)}` },
    h("strong", {}, session.title || session.conversation),
    h("span", { class: "soft" }, `${session.agent} · ${session.plugin}.${session.instance}`),
    when(session.lastAt),
  );
}

/** The transcript of one session, the newest at the end. */
export async function openTranscript(main, [id], signal) {
  const path = `/api/sessions/${encodeURIComponent(id)}/messages`;
  const [agent, plugin, instance, conversation] = id.split("/").map(decodeURIComponent);
  const transcript = h("div", { class: "transcript" });
  let cursor;
  const earlier = h("button", { class: "more", type: "button", onclick: () => step() }, "Earlier messages");
  async function step() {
    const page = await get(path, { before: cursor }, signal);
    transcript.prepend(...page.items.map(entry).reverse());
    cursor = page.next;
    earlier.hidden = cursor === undefined;
    return page.items.length;
  }
  const found = await step();
  main.replaceChildren(
    head(
      conversation ?? id,
      h("span", { class: "soft" }, `${agent} · ${plugin}.${instance}`),
      h("a", { class: "button", href: "#/sessions" }, "All sessions"),
    ),
    earlier,
    found === 0 ? empty("This session has no messages.") : transcript,
  );
}

/** One entry of a transcript. */
export function entry(message) {
  if (message.role === "note") return h("p", { class: "note" }, message.text, " ", when(message.at));
  if (message.role === "tool") {
    return fold([h("span", { class: "tool" }, message.author ?? "tool")], h("pre", {}, message.text));
  }
  const mine = message.role === "user";
  return h(
    "article",
    { class: mine ? "bubble me" : "bubble" },
    mine ? h("p", { class: "plain" }, message.text) : markdown(message.text),
    h(
      "footer",
      {},
      message.author === null ? "" : `${message.author} · `,
      when(message.at),
      ...(mine || message.turnId === null ? [] : [" · ", timelineLink(message.turnId)]),
    ),
  );
}

/** Leads to what happened in a turn. */
export function timelineLink(turnId) {
  return h("a", { href: `#/turns/${encodeURIComponent(turnId)}` }, "timeline");
}
