import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary, useRef, useState } from "preact/hooks";
import type { Status } from "../src/http/status_api.ts";
import type { Me } from "../src/http/tokens_api.ts";
import { post } from "./api.ts";
import type { LiveStatus } from "./live.ts";
import { LoginAgain } from "./login_again.tsx";
import { AccessPage } from "./pages/access.tsx";
import { AgentPage } from "./pages/agent.tsx";
import { AgentsPage } from "./pages/agents.tsx";
import { AuditPage } from "./pages/audit.tsx";
import { BusPage } from "./pages/bus.tsx";
import { ChannelsPage } from "./pages/channels.tsx";
import { ChatPage } from "./pages/chat.tsx";
import { ConfigPage } from "./pages/config.tsx";
import { DeadLetterPage } from "./pages/dead_letters.tsx";
import { LogsPage } from "./pages/logs.tsx";
import { ModelsPage } from "./pages/models.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { SessionsPage, TranscriptPage } from "./pages/sessions.tsx";
import { ToolPage } from "./pages/tool.tsx";
import { ToolsPage } from "./pages/tools.tsx";
import { TurnPage } from "./pages/turn.tsx";
import { Failure, Head, When } from "./ui.tsx";
import { decoded } from "./words.ts";

/** A page of the console. `given` is what follows its name in the address, `part` what follows that. */
interface PageEntry {
  readonly path: string;
  /** The letter that goes there after `g`. */
  readonly key?: string;
  /** The page of the menu that it belongs to. */
  readonly within?: string;
  readonly title: string;
  show(live: LiveStatus, given: string | undefined, part: string | undefined, me: Me): ComponentChildren;
}

const pages: readonly [PageEntry, ...PageEntry[]] = [
  { path: "overview", key: "o", title: "Overview", show: (live) => <OverviewPage live={live} /> },
  { path: "chat", key: "c", title: "Chat", show: ({ status }, agent) => <ChatPage status={status} wanted={agent} /> },
  {
    path: "sessions",
    key: "s",
    title: "Sessions",
    show: (live, id) => id === undefined ? <SessionsPage live={live} /> : <TranscriptPage id={id} live={live} />,
  },
  {
    path: "turns",
    within: "sessions",
    title: "Turn",
    show: (live, id) => <TurnPage id={id ?? ""} live={live} />,
  },
  {
    path: "agents",
    key: "a",
    title: "Agents",
    show: ({ status }, id, part) =>
      id === undefined ? <AgentsPage status={status} /> : <AgentPage {...{ status, id, part }} />,
  },
  { path: "channels", key: "h", title: "Channels", show: (live) => <ChannelsPage live={live} /> },
  { path: "bus", key: "b", title: "Bus", show: ({ status }, part) => <BusPage status={status} part={part} /> },
  {
    path: "dead-letters",
    key: "d",
    within: "bus",
    title: "Dead letters",
    show: ({ status }, id) =>
      id === undefined ? <BusPage status={status} part="dead-letters" /> : <DeadLetterPage id={id} />,
  },
  {
    path: "tools",
    key: "t",
    title: "Tools",
    show: ({ status }, name) => name === undefined ? <ToolsPage status={status} /> : <ToolPage name={name} />,
  },
  { path: "models", key: "m", title: "Models", show: (live) => <ModelsPage live={live} /> },
  {
    path: "config",
    key: "f",
    title: "Config",
    show: (_, path, __, { role }) => role === "viewer" ? <SettingsPage /> : <ConfigPage wanted={path} />,
  },
  { path: "access", key: "w", title: "Access", show: (_, __, ___, me) => <AccessPage me={me} /> },
  { path: "audit", key: "u", title: "Audit", show: () => <AuditPage /> },
  { path: "logs", key: "l", title: "Logs", show: (_, turn) => <LogsPage turn={turn} /> },
];
const menu = pages.filter(({ within }) => within === undefined);
const reachable = pages.filter(({ key }) => key !== undefined);

/** The console: the frame with the menu, and the page that the address names. */
export function App({ live, me }: { readonly live: LiveStatus; readonly me: Me }) {
  const [path, given, part] = useAddress();
  const [explains, setExplains] = useState(false);
  useKeys(() => setExplains(true));
  const page = pages.find((one) => one.path === path) ?? pages[0];
  const name = `${page.path}/${given ?? ""}`;
  const main = useFocusOfPage(name);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // The address says which page is shown.
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the page
      </a>
      <header class="side">
        <a class="brand" href="#/overview">
          <img src="/console/icon.svg" alt="" width={22} height={22} />nexo
        </a>
        <nav aria-label="Pages">
          {menu.map((entry) => (
            <MenuLink
              key={entry.path}
              entry={entry}
              isCurrent={entry.path === (page.within ?? page.path)}
              badge={toBadge(entry.path, live.status.value)}
            />
          ))}
        </nav>
        <div class="side-foot">
          <Pulse live={live} />
          <p class="who">
            {me.name}, {me.role}
          </p>
          <div class="side-tools">
            <button class="quiet" type="button" onClick={switchTheme}>Theme</button>
            <button class="quiet keys-button" type="button" onClick={() => setExplains(true)}>Keys</button>
            <button class="quiet" type="button" onClick={() => void logOut()}>Log out</button>
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        {me.role === "viewer" && <ViewerNote me={me} />}
        <div class="page" key={name}>
          <Page title={page.title}>{() => page.show(live, given, part, me)}</Page>
        </div>
      </main>
      {explains && <Keys onClose={() => setExplains(false)} />}
      <LoginAgain me={me} />
    </>
  );
}

/** One page; a fault in it leaves the frame standing. */
function Page({ title, children }: { readonly title: string; children(): ComponentChildren }) {
  const [error, showAgain] = useErrorBoundary();
  if (error === undefined) return <Shown>{children}</Shown>;
  return (
    <>
      <Head title={title} />
      <Failure error={error} />
      <p>
        The page could not be shown; everything else goes on.{" "}
        <button type="button" onClick={showAgain}>Show it again</button>
      </p>
    </>
  );
}

/** What it shows may fail below the boundary only. */
function Shown({ children }: { children(): ComponentChildren }) {
  return <>{children()}</>;
}

/** Puts the focus on a page that is gone to, unless it has put it somewhere itself: where it was there is nothing now. */
function useFocusOfPage(name: string) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(name);
  useEffect(() => {
    if (shown.current === name) return;
    shown.current = name;
    if (main.current?.contains(document.activeElement) === false) main.current.focus({ preventScroll: true });
  }, [name]);
  return main;
}

function ViewerNote({ me: { name, expiresAt } }: { readonly me: Me }) {
  return (
    <p class="viewer-note" role="note">
      You look on as {name}, a viewer
      {expiresAt !== undefined && [", until ", <When at={expiresAt} />]}: you see everything and change nothing. An
      operator can make you another token.
    </p>
  );
}

function MenuLink({ entry, isCurrent, badge }: {
  readonly entry: PageEntry;
  readonly isCurrent: boolean;
  /** How many things wait there, and what they are. */
  readonly badge: readonly [number: number, noun: string];
}) {
  const [number, noun] = badge;
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (isCurrent) link.current?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [isCurrent]);
  return (
    <a ref={link} href={`#/${entry.path}`} title={`g ${entry.key}`} aria-current={isCurrent ? "page" : undefined}>
      <span>{entry.title}</span>
      {number > 0 && (
        <span class="badge">
          {number.toLocaleString()}
          <span class="visually-hidden">{noun}</span>
        </span>
      )}
    </a>
  );
}

function toBadge(path: string, status: Status | undefined): readonly [number: number, noun: string] {
  if (path === "bus") return [status?.queues.dead.depth ?? 0, " dead letters"];
  if (path !== "channels") return [0, ""];
  const ill = status?.channels.filter(({ state }) => state === "down" || state === "degraded") ?? [];
  return [ill.length, " not well"];
}

function Pulse({ live }: { readonly live: LiveStatus }) {
  const status = live.status.value;
  const ill = status?.subsystems.filter(({ state }) => state !== "ok") ?? [];
  const critical = ill.find((one) => one.critical);
  const hint = ill.map(({ name, reason = "" }) => `${name}: ${reason}`).join("\n");
  if (!live.connected.value) return <p class="pulse bad" role="status">The process does not answer. Is it running?</p>;
  if (status === undefined) return <p class="pulse" role="status" />;
  const text = critical?.reason ?? (status.ready ? "answering" : "not ready");
  return <p class={`pulse ${critical === undefined ? "good" : "bad"}`} role="status" title={hint}>{text}</p>;
}

function Keys({ onClose }: { onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const keys = [
    ...reachable.map(({ key, title }) => [`g ${key}`, title]),
    ["/", "Search, or write"],
    ["j  k", "Down and up a list"],
    ["Enter", "Open"],
    ["Esc", "Leave a field"],
  ];
  return (
    <dialog ref={dialog} class="card" aria-label="Keys" onClose={onClose}>
      <h2>Keys</h2>
      <dl class="keys">
        {keys.map(([key, does]) => [
          <dt>
            <kbd>{key}</kbd>
          </dt>,
          <dd>{does}</dd>,
        ])}
      </dl>
      <form method="dialog" class="actions">
        <button type="submit" autofocus>Close</button>
      </form>
    </dialog>
  );
}

/** The parts of the address: a page's name, what is given to it, and which part of that is shown. */
function useAddress(): readonly [path: string | undefined, given: string | undefined, part: string | undefined] {
  const read = () => location.hash.replace(/^#\//, "");
  const [address, setAddress] = useState(read);
  useEffect(() => {
    const onChange = () => {
      setAddress(read());
      document.documentElement.scrollTop = 0;
    };
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  const [path, given, part] = address.split("/");
  return [path, given === undefined ? undefined : decoded(given), part];
}

/** `g` and a letter goes to a page, `/` searches, `j` and `k` walk a list, `?` explains. */
function useKeys(explain: () => void): void {
  useEffect(() => {
    let goes = false;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : undefined;
      const typing = target?.matches("input, textarea, select") ?? false;
      if (event.key === "Escape" && typing) target?.blur();
      if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const entry = goes ? reachable.find(({ key }) => key === event.key) : undefined;
      goes = event.key === "g";
      if (entry !== undefined) location.hash = `#/${entry.path}`;
      else if (event.key === "/") document.querySelector<HTMLElement>("main [data-search], main textarea")?.focus();
      else if (event.key === "j") walk(1);
      else if (event.key === "k") walk(-1);
      else if (event.key === "?") explain();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

function walk(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main a.row, main .row a, main summary, main .log-row a")];
  const at = rows.findIndex((row) => row === document.activeElement);
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
}

const themeKey = "nexo.theme";

/** Takes up the theme that this browser was set to; without one the system's holds. */
export function restoreTheme(): void {
  const theme = localStorage.getItem(themeKey);
  if (theme) document.documentElement.dataset["theme"] = theme;
}

function switchTheme(): void {
  const { dataset } = document.documentElement;
  const shown = dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  dataset["theme"] = shown === "dark" ? "light" : "dark";
  localStorage.setItem(themeKey, dataset["theme"]);
}

async function logOut(): Promise<void> {
  sessionStorage.clear();
  await post("/api/logout", {});
  location.replace("/login");
}
