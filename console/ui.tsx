import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { isPassing, messageOf } from "./api.ts";

/** A page's head: its title, and what stands beside it. */
export function Head({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  useEffect(() => void (document.title = `${title} · nexo`), [title]);
  return (
    <header class="head">
      <h1>{title}</h1>
      {children}
    </header>
  );
}

/** What a page shows that has nothing to show: what it is for, and the one thing that fills it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** What went wrong, in words. */
export function Failure({ error }: { readonly error: unknown }) {
  return <p class="notice bad" role="alert">{messageOf(error)}</p>;
}

const states: Readonly<Record<string, readonly [tone: string, shape: string]>> = {
  ok: ["good", "●"],
  up: ["good", "●"],
  live: ["good", "●"],
  held: ["warn", "▲"],
  refused: ["bad", "■"],
  off: ["", "○"],
  connecting: ["warn", "◐"],
  restarting: ["warn", "◐"],
  ready: ["good", "●"],
  answered: ["good", "●"],
  silent: ["", "○"],
  starting: ["warn", "◐"],
  running: ["warn", "◐"],
  degraded: ["warn", "▲"],
  down: ["bad", "■"],
  failed: ["bad", "■"],
  pending: ["warn", "◐"],
  approved: ["good", "●"],
  denied: ["bad", "■"],
  revoked: ["bad", "■"],
  "calls pass": ["good", "●"],
  "being tried again": ["warn", "◐"],
  "refused for now": ["bad", "■"],
};

/** A state as colour, shape and word, so that none of them has to be seen. */
export function Pill({ state }: { readonly state: string }) {
  const [tone, shape] = states[state] ?? ["", "○"];
  return (
    <span class={`pill ${tone}`}>
      <span aria-hidden="true">{shape}</span> {state}
    </span>
  );
}

/** A moment as a person says it: the time today, else the day too. */
export function When({ at }: { readonly at: string }) {
  const date = new Date(at);
  const sameDay = date.toDateString() === new Date().toDateString();
  const text = date.toLocaleString(undefined, {
    ...(sameDay ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
  });
  return <time dateTime={at} title={date.toLocaleString()}>{text}</time>;
}

/** Parts of a page, each with an address of its own below `at`. */
export function Tabs({ label, at, tabs, current }: {
  readonly label: string;
  readonly at: string;
  readonly tabs: readonly (readonly [name: string, title: string])[];
  readonly current: string;
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(([name, title]) => (
        <a key={name} href={`${at}/${name}`} aria-current={name === current ? "page" : undefined}>{title}</a>
      ))}
    </nav>
  );
}

/** A table that may be wider than the page; the keyboard reaches it to scroll. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return <div class="card table-card" role="region" aria-label={label} tabIndex={0}>{children}</div>;
}

/** Lines of a unified diff, what goes and what comes told apart. */
export function Patch({ text }: { readonly text: string }) {
  return (
    <pre tabIndex={0} class="difference">
      {text.replace(/\n$/, "").split("\n").map((line, index) => {
        if (line.startsWith("+") && !line.startsWith("+++")) return <ins key={index}>{line}</ins>;
        if (line.startsWith("-") && !line.startsWith("---")) return <del key={index}>{line}</del>;
        return `${line}\n`;
      })}
    </pre>
  );
}

/** Something that unfolds. */
export function Fold({ summary, open = false, children }: {
  readonly summary: ComponentChildren;
  /** At first. */
  readonly open?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <details class="fold" open={open}>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

/** Something that is loaded when it unfolds for the first time. */
export function LateFold({ summary, children }: {
  readonly summary: ComponentChildren;
  children(): ComponentChildren;
}) {
  const [wasOpened, setWasOpened] = useState(false);
  return (
    <details class="fold" onToggle={() => setWasOpened(true)}>
      <summary>{summary}</summary>
      {wasOpened && <div>{children()}</div>}
    </details>
  );
}

/** Names and values. */
export function Facts({ rows, class: style }: {
  readonly rows: readonly (readonly [name: string, value: ComponentChildren])[];
  readonly class?: string;
}) {
  return <dl class={style}>{rows.map(([name, value]) => [<dt>{name}</dt>, <dd>{value}</dd>])}</dl>;
}

/** What a dialog asks before something is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly dangerous?: boolean;
}

/** Asks, while there is a question; tells whether it was agreed to. */
export function Confirm({ question, onAnswer }: {
  readonly question: Question | undefined;
  onAnswer(agreed: boolean): void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (question !== undefined) dialog.current?.showModal();
  }, [question !== undefined]);
  if (question === undefined) return null;
  return (
    <dialog
      ref={dialog}
      class="card"
      aria-label={question.title}
      onClose={({ currentTarget }) => onAnswer(currentTarget.returnValue === "yes")}
    >
      <h2>{question.title}</h2>
      <p>{question.text}</p>
      <form method="dialog" class="actions">
        <button type="submit" value="no" autofocus>Cancel</button>
        <button type="submit" value="yes" class={question.dangerous ? "danger" : "primary"}>{question.action}</button>
      </form>
    </dialog>
  );
}

/** How soon it is tried again, milliseconds. */
const againMs = 3_000;

/** Something that is loaded: not there yet, there, or not to be had. */
export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "loaded"; readonly value: T }
  | { readonly state: "failed"; readonly error: unknown };

/**
 * Loads something, and again whenever one of `inputs` changes or `reload` is called, and until a process that does not
 * answer does. What was there stays until the new is, so that nothing jumps and nothing that was typed in it goes.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
): { readonly loaded: Loaded<T>; reload(): void } {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading" });
  const [round, setRound] = useState(0);
  const reload = () => setRound((current) => current + 1);
  const of = useRef<unknown>(undefined);
  useEffect(() => {
    const left = new AbortController();
    const about = JSON.stringify(inputs);
    const isAnew = of.current !== about;
    let timer: number | undefined;
    load(left.signal).then((value) => {
      if (left.signal.aborted) return;
      of.current = about;
      setLoaded({ state: "loaded", value });
    }, (error) => {
      if (left.signal.aborted) return;
      if (isPassing(error)) timer = setTimeout(reload, againMs);
      if (isAnew || !isPassing(error)) setLoaded({ state: "failed", error });
    });
    return () => {
      clearTimeout(timer);
      left.abort();
    };
  }, [...inputs, round]);
  return { loaded, reload };
}

/** Shows what was loaded, or why it was not. */
export function Loading<T>({ of, children }: { readonly of: Loaded<T>; children(value: T): ComponentChildren }) {
  switch (of.state) {
    case "loading":
      return <Late />;
    case "failed":
      return <Failure error={of.error} />;
    case "loaded":
      return <>{children(of.value)}</>;
  }
}

/** Says that something takes long; its style lets it appear only then. */
export function Late() {
  return <p class="soft late">It takes longer than usual. The page goes on as soon as the process answers.</p>;
}

/**
 * A state that belongs to this entry of the browser's history: whoever comes back to it, or loads it again, finds what
 * was searched for.
 */
export function useRemembered<T>(name: string, initial: T): readonly [value: T, set: (value: T) => void] {
  const [value, setValue] = useState<T>(() => history.state?.[name] ?? initial);
  return [value, (next) => {
    history.replaceState({ ...history.state, [name]: next }, "");
    setValue(next);
  }];
}

interface AnyPage<T> {
  readonly items: readonly T[];
  readonly next?: string | number | undefined;
}

/** A list that the server gives a page at a time, begun anew whenever one of `inputs` changes. */
export function usePages<T>(
  load: (before: string | number | undefined, signal: AbortSignal) => Promise<AnyPage<T>>,
  inputs: readonly unknown[],
): { readonly loaded: Loaded<readonly T[]>; readonly more: Further | undefined; reload(): void } {
  const further = useRef(0);
  useMemo(() => further.current = 0, inputs);
  const { loaded, reload } = useLoaded(async (signal) => {
    // What is loaded again is as long as what was shown.
    const pages = [await load(undefined, signal)];
    for (let left = further.current; left > 0; left--) {
      const next = pages.at(-1)?.next;
      if (next !== undefined) pages.push(await load(next, signal));
    }
    return pages;
  }, inputs);
  const [later, setLater] = useState<Later<T>>();
  if (loaded.state !== "loaded") return { loaded, more: undefined, reload };
  const own = later?.of === loaded.value ? later : { of: loaded.value, pages: [], state: "shown" } as const;
  const pages = [...loaded.value, ...own.pages];
  const next = pages.at(-1)?.next;
  const more = async () => {
    if (own.state === "asked") return;
    setLater({ ...own, state: "asked" });
    try {
      const page = await load(next, new AbortController().signal);
      further.current = pages.length;
      setLater({ ...own, pages: [...own.pages, page], state: "shown" });
    } catch (error) {
      setLater({ ...own, state: "failed", error });
    }
  };
  return {
    loaded: { state: "loaded", value: pages.flatMap((page) => page.items) },
    more: next === undefined
      ? undefined
      : { onClick: () => void more(), failure: own.state === "failed" ? own.error : undefined },
    reload,
  };
}

/** How many rows a list would begin with that it does not show yet, looked up whenever `change` does. */
export function useFresh<T>(
  loaded: Loaded<readonly T[]>,
  load: (before: undefined, signal: AbortSignal) => Promise<AnyPage<T>>,
  keyOf: (item: T) => string,
  change: unknown,
): number {
  const shown = loaded.state === "loaded" ? loaded.value.map(keyOf) : [];
  const about = shown.join("\n");
  const [fresh, setFresh] = useState({ about: "", number: 0 });
  useEffect(() => {
    if (loaded.state !== "loaded") return;
    const left = new AbortController();
    load(undefined, left.signal).then(({ items }) => {
      const known = new Set(shown);
      if (!left.signal.aborted) setFresh({ about, number: items.filter((item) => !known.has(keyOf(item))).length });
    }, () => {/* it is looked up again with the next change */});
    return () => left.abort();
  }, [change]);
  return fresh.about === about ? fresh.number : 0;
}

/** Rows that wait while somebody reads. */
export function Fresh({ number, noun, onClick }: {
  readonly number: number;
  readonly noun: string;
  onClick(): void;
}) {
  return number === 0 ? null : <button type="button" class="fresh" onClick={onClick}>{number} {noun}</button>;
}

/** Pages that were asked for after the first load `of` a list. */
interface Later<T> {
  readonly of: unknown;
  readonly pages: readonly AnyPage<T>[];
  readonly state: "shown" | "asked" | "failed";
  readonly error?: unknown;
}

/** What a list has beyond what is shown. */
export interface Further {
  onClick(): void;
  /** Why it could not be shown when it was asked for. */
  readonly failure: unknown;
}

/** The button below a list that has more. */
export function More({ of, text = "Show more" }: { readonly of: Further | undefined; readonly text?: string }) {
  if (of === undefined) return null;
  return (
    <>
      {of.failure !== undefined && <Failure error={of.failure} />}
      <button class="more" type="button" onClick={of.onClick}>{text}</button>
    </>
  );
}
