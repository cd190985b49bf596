import { openAgents } from "./agents.js";
import { get, post } from "./api.js";
import { openChannels } from "./channels.js";
import { openChat } from "./chat.js";
import { openDeadLetter, openDeadLetters } from "./dead_letters.js";
import { failure, h } from "./dom.js";
import { openSessions, openTranscript } from "./sessions.js";
import { openTimeline } from "./timeline.js";

const pulseMs = 5_000;

const pages = [
  { path: "chat", key: "c", title: "Chat", open: openChat, openOne: openChat },
  { path: "sessions", key: "s", title: "Sessions", open: openSessions, openOne: openTranscript },
  { path: "agents", key: "a", title: "Agents", open: openAgents },
  { path: "channels", key: "h", title: "Channels", open: openChannels },
  { path: "dead-letters", key: "d", title: "Dead letters", open: openDeadLetters, openOne: openDeadLetter },
];
const hiddenPages = [{ path: "turns", open: openChat, openOne: openTimeline }];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const pulse = document.getElementById("pulse");

const links = new Map(pages.map(({ path, title, key }) => {
  const badge = h("span", { class: "badge", hidden: true });
  const link = h("a", { href: `#/${path}`, title: `g ${key}` }, h("span", {}, title), badge);
  nav.append(link);
  return [path, { link, badge }];
}));

let leave = new AbortController();

async function show() {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const [path, ...given] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  const page = [...pages, ...hiddenPages].find((candidate) => candidate.path === path) ?? pages[0];
  for (const [name, { link }] of links) {
    if (name !== page.path) link.removeAttribute("aria-current");
    else {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }
  // A page is built aside, so that nothing jumps while it loads and one that was left shows nothing.
  const built = h("div", { class: "page" });
  try {
    const open = given.length > 0 ? page.openOne ?? page.open : page.open;
    await open(stage(built, signal), given, signal);
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(failure(error));
  }
}

/** Shows the page as soon as it has something, and never after it was left. */
function stage(built, signal) {
  return {
    replaceChildren(...children) {
      if (signal.aborted) return;
      built.replaceChildren(...children);
      main.replaceChildren(built);
      document.scrollingElement.scrollTop = 0;
    },
  };
}

async function beat() {
  if (document.hidden) return;
  try {
    const status = await get("/api/status");
    const ill = status.subsystems.filter(({ state }) => state !== "ok");
    const critical = ill.find(({ critical }) => critical);
    say(critical === undefined ? "good" : "bad", critical?.reason ?? (status.ready ? "answering" : "not ready"));
    pulse.title = ill.map(({ name, reason }) => `${name}: ${reason ?? ""}`).join("\n");
    mark("channels", status.channels.filter(({ state }) => state === "down" || state === "degraded").length);
    mark("dead-letters", status.queues.dead.depth);
  } catch (error) {
    say("bad", error.status === undefined ? "The process does not answer. Is it running?" : error.message);
  }
}

function say(tone, text) {
  pulse.className = `pulse ${tone}`;
  if (pulse.textContent !== text) pulse.textContent = text;
}

function mark(path, count) {
  const { badge } = links.get(path);
  badge.hidden = count === 0;
  badge.textContent = String(count);
}

// Keys: g and a letter goes to a page, / searches, j and k walk a list, ? explains.
let goes = false;
addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input, textarea, select");
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const page = goes ? pages.find(({ key }) => key === event.key) : undefined;
  goes = event.key === "g";
  if (page !== undefined) location.hash = `#/${page.path}`;
  else if (event.key === "/") main.querySelector("[data-search], textarea")?.focus();
  else if (event.key === "j") walk(1);
  else if (event.key === "k") walk(-1);
  else if (event.key === "?") explain();
  else return;
  event.preventDefault();
});

function walk(step) {
  const rows = [...main.querySelectorAll("a.row, .row a, summary")];
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
}

function explain() {
  const keys = [
    ...pages.map(({ key, title }) => [`g ${key}`, title]),
    ["/", "Search, or write"],
    ["j  k", "Down and up a list"],
    ["Enter", "Open"],
    ["Esc", "Leave a field"],
  ];
  const dialog = h(
    "dialog",
    { class: "card", "aria-label": "Keys" },
    h("h2", {}, "Keys"),
    h("dl", { class: "keys" }, ...keys.flatMap(([key, does]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)])),
    h("form", { method: "dialog", class: "actions" }, h("button", { autofocus: true }, "Close")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function setTheme(theme) {
  if (theme === "") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  localStorage.setItem("nexo.theme", theme);
}

document.getElementById("theme").addEventListener("click", () => {
  const shown = document.documentElement.dataset.theme ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  setTheme(shown === "dark" ? "light" : "dark");
});
document.getElementById("help").addEventListener("click", explain);
document.getElementById("logout").addEventListener("click", async () => {
  await post("/api/logout", {});
  location.replace("/login");
});

setTheme(localStorage.getItem("nexo.theme") ?? "");
addEventListener("hashchange", show);
document.addEventListener("visibilitychange", beat);
setInterval(beat, pulseMs);
await Promise.all([show(), beat()]);
