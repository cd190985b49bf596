/**
 * Makes an element. Strings become text, never markup: whatever comes from outside can be given as it is.
 * A property that begins with `on` is a listener; `undefined` and `false` leave an attribute away.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** A page's head: its title, and what stands beside it. */
export function head(title, ...beside) {
  document.title = `${title} · nexo`;
  return h("header", { class: "head" }, h("h1", {}, title), ...beside);
}

/** What a page shows that has nothing to show: what it is for, and the one thing that fills it. */
export function empty(title, ...hints) {
  return h("div", { class: "empty" }, h("strong", {}, title), ...hints.map((hint) => h("p", {}, hint)));
}

/** What went wrong, in words. */
export function failure(error) {
  return h("p", { class: "notice bad", role: "alert" }, error.message);
}

const states = {
  ok: ["good", "●", "ok"],
  up: ["good", "●", "up"],
  answered: ["good", "●", "answered"],
  silent: ["", "○", "silent"],
  starting: ["warn", "◐", "starting"],
  running: ["warn", "◐", "running"],
  degraded: ["warn", "▲", "degraded"],
  down: ["bad", "■", "down"],
  failed: ["bad", "■", "failed"],
};

/** A state as colour, shape and word, so that none of them has to be seen. */
export function pill(state) {
  const [tone, shape, word] = states[state] ?? ["", "○", state];
  return h("span", { class: `pill ${tone}` }, h("span", { "aria-hidden": "true" }, shape), ` ${word}`);
}

/** A moment as a person says it: the time today, else the day too. */
export function when(iso) {
  const date = new Date(iso);
  const sameDay = date.toDateString() === new Date().toDateString();
  const text = date.toLocaleString(undefined, {
    ...(sameDay ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
  });
  return h("time", { datetime: iso, title: date.toLocaleString() }, text);
}

/** Milliseconds as a person says them. */
export function duration(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** Any value as readable text. */
export function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
}

/** Something that unfolds. */
export function fold(summary, ...content) {
  return h("details", { class: "fold" }, h("summary", {}, ...[summary].flat()), ...content);
}

/** Asks before something is done; gives whether it was agreed to. */
export function confirm({ title, text, action, dangerous = false }) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "card", "aria-label": title },
      h("h2", {}, title),
      h("p", {}, text),
      h(
        "form",
        { method: "dialog", class: "actions" },
        h("button", { value: "no", autofocus: true }, "Cancel"),
        h("button", { value: "yes", class: dangerous ? "danger" : "primary" }, action),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A list that is read a page at a time: `load(cursor)` gives `{ items, next }`, `show(item)` a node. */
export function paged(list, load, show) {
  const more = h("button", { class: "more", type: "button", onclick: () => step() }, "Show more");
  let cursor;
  async function step() {
    more.disabled = true;
    try {
      const page = await load(cursor);
      list.append(...page.items.map(show));
      cursor = page.next;
      more.hidden = cursor === undefined;
      return page;
    } finally {
      more.disabled = false;
    }
  }
  more.hidden = true;
  return { more, step };
}
