import { get, post } from "./api.js";
import { confirm, empty, failure, h, head, paged, pretty, when } from "./dom.js";

const hops = ["inbound", "turn", "outbound", "route", "flow", "spill"];

/** What could not be delivered or answered, and what to do about it. */
export async function openDeadLetters(main, _arguments, signal) {
  const hop = h(
    "select",
    { "aria-label": "Where it died" },
    h("option", { value: "" }, "Everywhere"),
    ...hops.map((name) => h("option", { value: name }, name)),
  );
  const chosen = new Set();
  const replay = h("button", { type: "button", onclick: () => act("replay") });
  const purge = h("button", { type: "button", class: "danger", onclick: () => act("purge") });
  const told = h("p", { role: "status", class: "soft" });
  const results = h("div", { class: "results" });
  main.replaceChildren(
    head("Dead letters", h("div", { class: "filters" }, hop, replay, purge)),
    told,
    results,
  );

  function label() {
    const which = chosen.size === 0 ? "all" : `${chosen.size} chosen`;
    replay.textContent = `Replay ${which}`;
    purge.textContent = `Purge ${which}`;
  }

  async function show() {
    chosen.clear();
    label();
    const list = h("div", { class: "list" });
    const pages = paged(
      list,
      (before) => get("/api/dead-letters", { hop: hop.value, before }, signal),
      (letter) => letterRow(letter, chosen, label),
    );
    const { items } = await pages.step();
    replay.hidden = purge.hidden = items.length === 0;
    results.replaceChildren(
      ...(items.length > 0 ? [list, pages.more] : [
        empty(
          "Nothing is dead.",
          "What cannot be answered or delivered for good ends here, with its cause, and can be tried again.",
        ),
      ]),
    );
  }

  async function act(action) {
    const selection = chosen.size > 0 ? { ids: [...chosen] } : { filter: hop.value === "" ? {} : { hop: hop.value } };
    if (await settle(action, selection, told)) await show();
  }

  hop.addEventListener("change", show);
  await show();
}

/** Asks how many letters are meant, and whether they really are, before it acts. Gives whether it did. */
async function settle(action, selection, told) {
  try {
    const { count } = await post(`/api/dead-letters/${action}`, { ...selection, dryRun: true });
    if (!await confirm(question(action, count))) return false;
    const done = await post(`/api/dead-letters/${action}`, selection);
    told.textContent = `${letters(done.count)} ${action === "replay" ? "replayed" : "purged"}.`;
    return true;
  } catch (error) {
    told.replaceChildren(failure(error));
    return false;
  }
}

function question(action, count) {
  if (action === "replay") {
    return {
      title: `Replay ${letters(count)}?`,
      text: "Each goes back to where it died and is tried again. People may get answers to old messages.",
      action: `Replay ${count}`,
    };
  }
  return {
    title: `Purge ${letters(count)}?`,
    text: "They are deleted for good and cannot be brought back. Nobody is answered.",
    action: `Purge ${count}`,
    dangerous: true,
  };
}

function letters(count) {
  return count === 1 ? "1 dead letter" : `${count} dead letters`;
}

function letterRow(letter, chosen, changed) {
  const box = h("input", {
    type: "checkbox",
    "aria-label": `Choose dead letter ${letter.id}`,
    onchange: () => {
      if (box.checked) chosen.add(letter.id);
      else chosen.delete(letter.id);
      changed();
    },
  });
  return h(
    "div",
    { class: "row letter" },
    box,
    h(
      "a",
      { href: `#/dead-letters/${letter.id}` },
      h("strong", {}, letter.message),
      h("span", { class: "soft" }, [letter.hop, letter.agent, letter.subject].filter((part) => part).join(" · ")),
    ),
    when(letter.at),
  );
}

/** One dead letter, whole. */
export async function openDeadLetter(main, [id], signal) {
  const letter = await get(`/api/dead-letters/${encodeURIComponent(id)}`, {}, signal);
  const facts = [
    ["Where", letter.hop],
    ["Cause", [letter.kind, letter.reason].filter((part) => part).join(", ")],
    ["Attempts", String(letter.attempts)],
    ["First tried", when(letter.firstAt)],
    ["Died", when(letter.at)],
    ["Subject", letter.subject],
    ["Event", letter.eventId],
  ];
  const told = h("p", { role: "status", class: "soft" });
  const button = (action, text, tone) => h("button", { type: "button", class: tone, onclick: () => act(action) }, text);
  const buttons = h("div", { class: "filters" }, button("replay", "Replay"), button("purge", "Purge", "danger"));
  async function act(action) {
    buttons.hidden = await settle(action, { ids: [letter.id] }, told);
  }
  main.replaceChildren(
    h("p", {}, h("a", { href: "#/dead-letters" }, "← All dead letters")),
    head(`Dead letter ${letter.id}`, letter.replayedAt === null ? buttons : h("span", { class: "soft" }, "replayed")),
    told,
    h("p", { class: "notice bad" }, letter.message),
    h("dl", { class: "card facts" }, ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    letter.sessionId === null
      ? ""
      : h("p", {}, h("a", { href: `#/sessions/${encodeURIComponent(letter.sessionId)}` }, "The session it belongs to")),
    h("h2", {}, "What died"),
    h("pre", { class: "card" }, pretty(letter.body)),
    h("p", { class: "soft" }, "From a terminal: ", h("code", {}, `agent dlq replay ${letter.id}`)),
  );
}
